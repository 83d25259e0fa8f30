import type { DumpIndex, DumpTable, SectionName } from '../../dump/dump-index.ts';
import { isOwnership } from '../../dump/ownership.ts';
import { readAll, readText } from '../../dump/read-text.ts';
import { refuseUnrunnable } from '../../dump/refusals.ts';
import { createScanner } from '../../dump/scanner.ts';
import { isLargeObject } from '../../dump/sections.ts';
import { textDecoder } from '../../dump/text-decoder.ts';
import { type DumpToken, qualifiedName, type Statement } from '../../dump/tokens.ts';
import type { LoadOptions } from '../load/load-dump.ts';
import { isInTransaction, isTransactional, refuseUncommitted } from '../load/own-transactions.ts';
import { runStatement, tryStatement } from '../load/run-statement.ts';
import type { Selection } from '../load/selection.ts';
import { sessionSetting } from '../load/session-settings.ts';
import { AFTER_ROWS, tellSteps } from '../load/tell-steps.ts';
import { type Lanes, runSetting } from './lanes.ts';
import { createPostData, type PostData, RUNS } from './post-data.ts';
import { partitionedTable } from './post-data-unit.ts';
import { createRowBlocks } from './row-blocks.ts';
import { rowsNeedOrder } from './rows-need-order.ts';
import type { WideDump } from './wide-dump.ts';

/**
 * Runs a plain dump on an empty database over several connections. One reads the text and runs it. The rows of large
 * tables are skipped there and copied in pieces by all connections, before anything that depends on them is run. If
 * the dump cannot be read in ranges, its rows are spread over the connections as they come.
 *
 * @returns what the dump consists of, as far as it was read: rows copied in pieces are checked against the index
 * instead
 * @throws RestoreError, DumpError, StoreError, or the signal's reason: whichever came first
 */
export async function loadWide(
  lanes: Lanes,
  dump: WideDump,
  options: LoadOptions & { readonly selection: Selection | undefined },
): Promise<DumpIndex> {
  const { index, readRange } = dump;
  const { name, selection } = options;
  const { text } = lanes;
  const doing = `cannot restore ${name}`;
  const scanner = createScanner(name, 'whole');
  const decode = textDecoder(index.encoding);
  const rows = createRowBlocks(lanes, dump, options);
  const began = performance.now();

  const partitioned = new Set<string>();
  let section: SectionName = 'pre-data';
  let inOrder = false;
  let postData: PostData | undefined;
  const steps = tellSteps(AFTER_ROWS, options.onStep);

  /** No other connection sees what an open transaction has made. */
  const inTransaction = () => isInTransaction(text.client);

  /** Called once everything before the rows has been run. */
  async function beginRows(): Promise<void> {
    section = 'data';
    inOrder = inTransaction() || (await rowsNeedOrder(text.client));
    options.log.debug(inOrder ? 'rows are copied in the order of the dump' : 'copying rows');
  }

  async function beginPostData(): Promise<void> {
    await rows.finish();
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
    const take = isTransactional(statement.sql) ? 'run' : (selection?.takes(statement, section) ?? 'run');
    if (take === 'leave') return;
    if (postData !== undefined) return postData.add(statement, take);
    // In a transaction of the dump's own.
    if (section === 'post-data')
      return steps.run(statement.entry?.name, () =>
        RUNS[take](text.client, statement.sql, statement, options),
      );
    if (take === 'try') return tryStatement(text.client, statement.sql, statement, options);
    if (section === 'data' && !goesWithRows(statement)) await rows.finish();
    const parent = partitionedTable(statement.sql, decode);
    if (parent !== undefined) partitioned.add(parent);
    await runStatement(text.client, statement.sql, statement, options);
  }

  async function apply(token: DumpToken): Promise<void> {
    refuseUnrunnable(token, doing);
    switch (token.type) {
      case 'text':
      case 'backslash':
        return;
      case 'section':
        return token.name === 'data' ? beginRows() : beginPostData();
      case 'statement':
        return run(token);
      case 'copy-start':
        if (section === 'pre-data') await beginRows();
        return rows.start(token, inOrder);
      case 'copy-rows':
        return rows.write(token.data, token.lines);
      case 'copy-end':
        return rows.end(token.rows);
    }
  }

  try {
    const tokens =
      readRange === undefined
        ? readAll(scanner, dump.read(lanes.signal))
        : readText(scanner, { bytes: index.bytes, leftOut: rows.leftOut, readRange }, lanes.signal);
    for await (const token of tokens) {
      await apply(token);
      if (token.type === 'text' || token.type === 'copy-rows') options.onBytes(token.data.length);
    }
    await rows.finish();
    await postData?.finish();
    refuseUncommitted(text.client, doing);
    return scanner.finish();
  } catch (error) {
    lanes.fail(error);
    await rows.settle();
    throw error;
  }
}

/** Among the statements between rows, these neither read nor change a table. */
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
