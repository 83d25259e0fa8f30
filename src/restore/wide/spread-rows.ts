import type { CopyStart } from '../../dump/tokens.ts';
import { copyRows, type RowsIn } from '../load/copy-rows.ts';
import type { StatementContext } from '../load/run-statement.ts';
import { adoptSettings, type Lane, type Lanes } from './lanes.ts';

/** Bytes of rows that go over one connection before the next one has its turn; a long row is not split. */
const TURN_BYTES = 1024 ** 2;

const NEWLINE = 0x0a;

/** Rows on their way into a table over several connections; like {@link RowsIn}, but with line counts. */
export interface SpreadRows {
  /** @param lines line feeds in `rows` */
  write(rows: Buffer, lines: number): Promise<void>;
  /** @param rows of the whole block; each connection's own lines say how many it has to take */
  end(rows: number): Promise<void>;
}

/** The rows that one lane copies. */
interface Share {
  readonly into: RowsIn;
  /** For each turn: how many rows of this lane, and how many of the block, precede it. */
  readonly turns: { readonly sent: number; readonly before: number }[];
  rows: number;
  /** The last write to the connection; the lane's next rows wait for it. */
  busy: Promise<void>;
}

/**
 * Copies the rows of a block over all lanes in turns, as they come: for a dump that can be read only from its
 * beginning. A block whose rows fit in one turn stays on the connection of the text.
 */
export async function spreadRows(
  lanes: Lanes,
  statement: CopyStart,
  context: StatementContext,
): Promise<SpreadRows> {
  const shares: Share[] = [];
  let at = 0;
  let rows = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let turnBytes = 0;
  let share = await open(lanes.text);

  async function open(lane: Lane): Promise<Share> {
    await adoptSettings(lane, lanes.text.settings, context);
    const turns: Share['turns'] = [{ sent: 0, before: rows }];
    const rowOf = (row: number) => {
      const turn = turns.findLast(({ sent }) => sent < row);
      return turn === undefined ? row : turn.before + row - turn.sent;
    };
    const opened = {
      into: copyRows(lane.client, statement, context, rowOf),
      turns,
      rows: 0,
      busy: Promise.resolve(),
    };
    shares.push(opened);
    return opened;
  }

  async function nextTurn(): Promise<void> {
    await send();
    at = (at + 1) % lanes.all.length;
    turnBytes = 0;
    const known = shares[at];
    if (known === undefined) share = await open(lanes.all[at] ?? lanes.text);
    else {
      share = known;
      share.turns.push({ sent: share.rows, before: rows });
    }
  }

  /** Passes on what is held, once the lane has taken its previous rows. */
  async function send(): Promise<void> {
    const { into, busy } = share;
    const chunks = held;
    held = [];
    heldBytes = 0;
    await busy;
    share.busy = writeAll(into, chunks);
    share.busy.catch(lanes.fail);
  }

  function hold(chunk: Buffer, lines: number): void {
    held.push(chunk);
    heldBytes += chunk.length;
    turnBytes += chunk.length;
    share.rows += lines;
    rows += lines;
  }

  return {
    async write(chunk, lines) {
      let rest = chunk;
      let restLines = lines;
      const rowEnd = turnBytes < TURN_BYTES ? -1 : rest.indexOf(NEWLINE);
      if (rowEnd >= 0) {
        hold(rest.subarray(0, rowEnd + 1), 1);
        await nextTurn();
        rest = rest.subarray(rowEnd + 1);
        restLines -= 1;
      }
      hold(rest, restLines);
      if (heldBytes >= TURN_BYTES) await send();
    },
    async end() {
      await send();
      await Promise.all(shares.map(({ busy }) => busy));
      for (const { into, rows: own } of shares) await into.end(own);
    },
  };
}

async function writeAll(into: RowsIn, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) await into.write(chunk);
}
