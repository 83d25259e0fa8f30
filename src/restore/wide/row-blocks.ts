import type { DumpTable } from '../../dump/dump-index.ts';
import type { CopyStart } from '../../dump/tokens.ts';
import { copyRows } from '../load/copy-rows.ts';
import type { LoadOptions } from '../load/load-dump.ts';
import { WORTH_A_REQUEST } from '../load/row-pieces.ts';
import type { Selection } from '../load/selection.ts';
import type { Lanes } from './lanes.ts';
import { createRangedRows } from './ranged-rows.ts';
import { type SpreadRows, spreadRows } from './spread-rows.ts';
import type { WideDump } from './wide-dump.ts';

/** Passes the rows of a dump's COPY blocks, as they come in its text, to the lanes that copy them. */
interface RowBlocks {
  /**
   * Tables whose rows are not read with the text: those that the lanes read themselves, and those that are not
   * wanted.
   */
  readonly leftOut: readonly DumpTable[];
  /**
   * The next block begins. If its table is left out, the lanes start copying its rows, alongside whatever follows.
   *
   * @param inOrder copies the rows of one table after the other, in the order of the dump
   */
  start(statement: CopyStart, inOrder: boolean): Promise<void>;
  /** Rows of the block, read with the text. @param lines line feeds in them */
  write(rows: Buffer, lines: number): Promise<void>;
  /** The block ends. @param rows in the whole block */
  end(rows: number): Promise<void>;
  /** Resolves when the rows of all blocks that were begun are in. */
  finish(): Promise<void>;
  /** After a failure: resolves when no lane is copying any longer. */
  settle(): Promise<void>;
}

/**
 * Handles the blocks of a dump from the first on. Large tables are read by the lanes themselves if the dump can be
 * read in ranges; the rows of all others come with the text.
 */
export function createRowBlocks(
  lanes: Lanes,
  { index, readRange }: WideDump,
  options: LoadOptions & { readonly selection: Selection | undefined },
): RowBlocks {
  const { selection } = options;
  const ranged = readRange === undefined ? undefined : createRangedRows(lanes, readRange, options);
  const isTaken = (table: DumpTable) => selection?.takesRows(table) !== false;
  const isApart = (table: DumpTable) =>
    ranged !== undefined && table.bytes >= WORTH_A_REQUEST && isTaken(table);
  let blocks = 0;
  let copy: SpreadRows | undefined;

  return {
    leftOut: index.tables.filter((table) => isApart(table) || selection?.unread.has(table)),
    async start(statement, inOrder) {
      const table = index.tables[blocks];
      blocks += 1;
      if (selection !== undefined && (table === undefined || !isTaken(table))) return;
      if (ranged !== undefined && table !== undefined && isApart(table)) {
        if (inOrder) await ranged.copy(table, statement);
        else ranged.begin(table, statement);
      } else if (ranged !== undefined || inOrder) copy = copyRows(lanes.text.client, statement, options);
      else copy = await spreadRows(lanes, statement, options);
    },
    async write(rows, lines) {
      // The server's socket may hold on to the bytes for longer than the scanner does.
      await copy?.write(Buffer.from(rows), lines);
    },
    async end(rows) {
      await copy?.end(rows);
      copy = undefined;
    },
    async finish() {
      await ranged?.finish();
    },
    async settle() {
      await ranged?.settle();
    },
  };
}
