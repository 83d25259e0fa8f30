import type { DumpTable } from '../../dump/dump-index.ts';
import type { ReadRange } from '../../dump/read-text.ts';
import type { CopyStart } from '../../dump/tokens.ts';
import { RestoreError, withRemedy } from '../../errors.ts';
import { errorCode } from '../../postgres/errors.ts';
import { copyRows } from '../load/copy-rows.ts';
import { IN_ONE_PIECE, proveRows } from '../load/prove-rows.ts';
import { cutIntoPieces, type RowPiece } from '../load/row-pieces.ts';
import type { StatementContext } from '../load/run-statement.ts';
import type { SessionSettings } from '../load/session-settings.ts';
import { adoptSettings, type Lane, type Lanes } from './lanes.ts';

/** Copies the rows of large tables, in pieces that the lanes read directly from where the dump is. */
interface RangedRows {
  /** Has the lanes start on a table's rows as soon as one is free; of the waiting pieces the largest comes first. */
  begin(table: DumpTable, statement: CopyStart): void;
  /** Copies a table's rows now, in order, over the connection of the text. */
  copy(table: DumpTable, statement: CopyStart): Promise<void>;
  /** Resolves when all rows of the tables that were begun are in; the connection of the text helps. */
  finish(): Promise<void>;
  /** After a failure: resolves when no lane is working any longer. */
  settle(): Promise<void>;
}

interface WaitingPiece {
  readonly piece: RowPiece;
  readonly statement: CopyStart;
  /** The settings of the dump's session at the COPY. */
  readonly settings: SessionSettings;
}

/**
 * For a dump whose bytes are those of the plain SQL. A piece that fails leaves no row behind, and makes all lanes
 * fail.
 *
 * @param readRange reads the dump where it is, in bytes of the plain SQL
 * @param context with what to do if the rows differ from the index, and a callback for the bytes that are in
 */
export function createRangedRows(
  lanes: Lanes,
  readRange: ReadRange,
  context: StatementContext & {
    readonly remedyForDamage: string;
    readonly onBytes: (bytes: number) => void;
  },
): RangedRows {
  /** Sorted, the largest last. */
  const waiting: WaitingPiece[] = [];
  const working = new Map<Lane, Promise<void>>();

  async function copyPiece(lane: Lane, { piece, statement, settings }: WaitingPiece): Promise<void> {
    await adoptSettings(lane, settings, context);
    const into = copyRows(lane.client, statement, context, (row) => piece.rowsBefore + row);
    const explain = (error: unknown) =>
      piece.proof.by === 'crc32' ? perhapsCutWrong(error, context.remedyForDamage) : error;
    // The next bytes may take long to arrive.
    into.onRefused((error) => lanes.fail(explain(error)));
    const proof = proveRows(piece, context);
    const range = { start: piece.offset, end: piece.offset + piece.bytes - 1 };
    try {
      for await (const chunk of readRange(range, lanes.signal)) {
        proof.add(chunk);
        await into.write(chunk);
        context.onBytes(chunk.length);
      }
      // Until `end`, the server has not committed anything.
      proof.finish();
      await into.end(piece.rows);
    } catch (error) {
      throw explain(error);
    }
  }

  async function work(lane: Lane): Promise<void> {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await copyPiece(lane, next);
    working.delete(lane);
  }

  return {
    begin(table, statement) {
      const { settings } = lanes.text;
      for (const piece of cutIntoPieces(table, lanes.all.length))
        waiting.push({ piece, statement, settings });
      waiting.sort((a, b) => a.piece.bytes - b.piece.bytes);
      for (const lane of lanes.all) {
        if (lane === lanes.text || working.has(lane) || waiting.length === 0) continue;
        const run = work(lane);
        working.set(lane, run);
        run.catch(lanes.fail);
      }
    },
    async copy(table, statement) {
      for (const piece of cutIntoPieces(table, 1)) {
        await copyPiece(lanes.text, { piece, statement, settings: lanes.text.settings });
      }
    },
    async finish() {
      const { settings } = lanes.text;
      await work(lanes.text);
      await Promise.all(working.values());
      await adoptSettings(lanes.text, settings, context);
    },
    async settle() {
      await Promise.allSettled(working.values());
    },
  };
}

/** Class 22 of SQLSTATE: the server refuses a row because of its contents (manual, Appendix A). */
const OF_CONTENTS = /^22/;

/**
 * Because of a wrong checkpoint, a piece may begin or end in the middle of a row; it is then refused for its
 * contents. If a checkpoint has the wrong number of rows, the piece is refused for its number of rows.
 */
function perhapsCutWrong(error: unknown, remedyForDamage: string): unknown {
  if (!(error instanceof RestoreError)) return error;
  const { remedy, cause } = error;
  if (cause !== undefined && !OF_CONTENTS.test(errorCode(cause) ?? '')) return error;
  const otherwise = remedy === undefined ? '' : `${remedy}; or `;
  return withRemedy(error, `${otherwise}${remedyForDamage}; ${IN_ONE_PIECE}`);
}
