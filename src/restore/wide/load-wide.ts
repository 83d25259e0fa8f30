import type { DumpIndex, DumpTable, SectionName } from '../../dump/dump-index.ts';
import { isOwnership } from '../../dump/ownership.ts';
import { type ReadRange, readAll, readText } from '../../dump/read-text.ts';
import { createScanner } from '../../dump/scanner.ts';
import { isLargeObject } from '../../dump/sections.ts';
import { textDecoder } from '../../dump/text-decoder.ts';
import { type DumpToken, qualifiedName, type Statement } from '../../dump/tokens.ts';
import { copyRows } from '../copy-rows.ts';
import type { LoadOptions } from '../load-dump.ts';
import { refuseForeign } from '../refusals.ts';
import { runStatement } from '../run-statement.ts';
import { sessionSetting } from '../session-settings.ts';
import { type Lanes, runSetting } from './lanes.ts';
import { createPostData, type PostData } from './post-data.ts';
import { partitionedTable } from './post-data-unit.ts';
import { createRangedRows } from './ranged-rows.ts';
import { WORTH_A_REQUEST } from './row-pieces.ts';
import { rowsNeedOrder } from './rows-need-order.ts';
import { type SpreadRows, spreadRows } from './spread-rows.ts';

/** A dump of which it is known where its rows lie. */
export interface WideDump {
  /** What one pass over the dump has found, or its manifest says. */
  readonly index: Pick<DumpIndex, 'bytes' | 'tables' | 'encoding'>;
  /** Undefined for a dump that has to be unpacked from its beginning. */
  readonly readRange: ReadRange | undefined;
  readonly read: (signal: AbortSignal) => AsyncIterable<Buffer>;
}

/** What of a dump is restored, where it is not all. */
export interface Selection {
  readonly takesRows: (table: DumpTable) => boolean;
  /** Tables whose rows are not even read, where the dump has ranges. */
  readonly unread: ReadonlySet<DumpTable>;
  /** Whether a statement is run; asked of each, in the order of the dump, but of those that set the session. */
  readonly takes: (statement: Statement, section: SectionName) => boolean;
}

/**
 * Runs a plain dump on an empty database over several connections. One reads the text and runs it; the rows of large
 * tables are left out of it and copied in pieces by all, before anything is run that builds on them. Of a dump that
 * has no ranges to read, the rows are spread over the connections as they come.
 *
 * @returns what the dump consists of, as far as it was read: rows in pieces are held against the index meanwhile
 * @throws RestoreError, DumpError, StoreError, or the signal's reason: whatever came first
 */
export async function loadWide(
  lanes: Lanes,
  dump: WideDump,
  options: LoadOptions & { readonly selection?: Selection },
): Promise<DumpIndex> {
  const { index, readRange } = dump;
  const { selection } = options;
  const { name } = options;
  const { text } = lanes;
  const scanner = createScanner(name, 'whole');
  const decode = textDecoder(index.encoding);
  const ranged = readRange === undefined ? undefined : createRangedRows(lanes, readRange, options);
  const taken = index.tables.filter((table) => selection?.takesRows(table) !== false);
  const apart = new Set(ranged === undefined ? [] : taken.filter(({ bytes }) => bytes >= WORTH_A_REQUEST));
  const began = performance.now();

  const partitioned = new Set<string>();
  let section: SectionName = 'pre-data';
  let inOrder = false;
  let blocks = 0;
  let copy: SpreadRows | undefined;
  let postData: PostData | undefined;

  /** What an open transaction has made is seen by no other connection. */
  const inTransaction = () => text.client.getTransactionStatus() !== 'I';

  /** Everything before the rows has been run. */
  async function beginRows(): Promise<void> {
    section = 'data';
    inOrder = inTransaction() || (await rowsNeedOrder(text.client));
    options.log.debug(inOrder ? 'rows are copied in the order of the dump' : 'copying rows');
  }

  async function beginPostData(): Promise<void> {
    await ranged?.finish();
    section = 'post-data';
    options.log.debug(`rows are in after ${Math.round(performance.now() - began)} ms`);
    if (inTransaction()) return;
    const tableBytes = bytesByTable(index.tables);
    postData = createPostData(lanes, { decode, partitioned, tableBytes }, options);
  }

  async function run(statement: Statement): Promise<void> {
    if (options.noOwner && isOwnership(statement.sql)) return;
    const setting = sessionSetting(statement.sql);
    if (setting !== undefined) return runSetting(text, setting, holdStatement(statement), options);
    if (selection?.takes(statement, section) === false) return;
    if (postData !== undefined) return postData.add(statement);
    if (section === 'data' && !goesWithRows(statement)) await ranged?.finish();
    const parent = partitionedTable(statement.sql, decode);
    if (parent !== undefined) partitioned.add(parent);
    await runStatement(text.client, statement.sql, statement, options);
  }

  async function apply(token: DumpToken): Promise<void> {
    refuseForeign(token, `cannot restore ${name}`);
    switch (token.type) {
      case 'text':
      case 'backslash':
        return;
      case 'section':
        return token.name === 'data' ? beginRows() : beginPostData();
      case 'statement':
        return run(token);
      case 'copy-start': {
        if (section === 'pre-data') await beginRows();
        const table = index.tables[blocks];
        blocks += 1;
        if (selection !== undefined && (table === undefined || !selection.takesRows(table))) return;
        if (ranged !== undefined && table !== undefined && apart.has(table)) {
          if (inOrder) await ranged.copy(table, token);
          else ranged.begin(table, token);
        } else if (ranged !== undefined || inOrder) copy = copyRows(text.client, token, name);
        else copy = await spreadRows(lanes, token, options);
        return;
      }
      case 'copy-rows':
        // The server's socket may hold on to the bytes for longer than the scanner does.
        return copy?.write(Buffer.from(token.data), token.lines);
      case 'copy-end':
        await copy?.end(token.rows);
        copy = undefined;
        return;
    }
  }

  try {
    const tokens =
      readRange === undefined
        ? readAll(scanner, dump.read(lanes.signal))
        : readText(
            scanner,
            {
              bytes: index.bytes,
              leftOut: index.tables.filter((table) => apart.has(table) || selection?.unread.has(table)),
              readRange,
            },
            lanes.signal,
          );
    for await (const token of tokens) {
      await apply(token);
      if (token.type === 'text' || token.type === 'copy-rows') options.onBytes(token.data.length);
    }
    await ranged?.finish();
    await postData?.finish();
    return scanner.finish();
  } catch (error) {
    lanes.fail(error);
    await ranged?.settle();
    throw error;
  }
}

/** Of what stands among the rows, these neither read nor change a table. */
function goesWithRows({ entry }: Statement): boolean {
  if (entry === undefined) return false;
  return isLargeObject(entry) || entry.type === 'SEQUENCE SET' || entry.type === 'STATISTICS DATA';
}

function holdStatement({ sql, ...at }: Statement) {
  return { sql: Buffer.from(sql), at };
}

function bytesByTable(tables: readonly DumpTable[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const table of tables) {
    const name = qualifiedName(table);
    all.set(name, (all.get(name) ?? 0) + table.bytes);
  }
  return all;
}
