import type pg from 'pg';
import { chooseTables } from '../../catalog/choose-tables.ts';
import type { DumpSource } from '../../catalog/dump-source.ts';
import { proveHeadings } from '../../catalog/prove-headings.ts';
import { type BlockReader, openBlocks } from '../../dump/block-reader.ts';
import { type DumpTable, totalOf } from '../../dump/dump-index.ts';
import { qualifiedName } from '../../dump/tokens.ts';
import { RestoreError } from '../../errors.ts';
import { databaseError } from '../../postgres/errors.ts';
import { ownRows } from '../../postgres/relations.ts';
import { stoppable } from '../../stoppable.ts';
import { formatBytes } from '../../ui/format.ts';
import type { Logger } from '../../ui/log.ts';
import type { StartProgress } from '../../ui/progress.ts';
import type { Placed } from '../databases/place-scratch.ts';
import { settleForDump } from '../load/settle-for-dump.ts';
import type { LoadContext } from '../load-context.ts';
import { knowDump } from '../prove-dump.ts';
import type { RestoreReport } from '../restore.ts';
import { constraintRefused, copyBlock } from './copy-block.ts';
import {
  filledTables,
  immediateOrder,
  lockTables,
  missingTables,
  passSequences,
  tablesThatFollow,
} from './live-tables.ts';
import { orderBlocks } from './order-blocks.ts';
import { type PausedTriggers, pauseTriggers } from './pause-triggers.ts';
import { tallyTables } from './tally.ts';

/** Which database rows are added to, and the tables they belong to. */
export interface AddRowsOptions {
  /** A database that has these tables, all empty. */
  readonly into: string;
  /** Table names, in psql's syntax. */
  readonly only: readonly string[];
}

/** What was added; no database is dropped or kept for it. */
export type AddedRows = Required<Omit<RestoreReport, keyof Placed | 'followers' | 'refused'>>;

/**
 * Adds the rows of some tables of a dump to the same tables of a database, in one transaction: either all of them are
 * added, or nothing changes. Constraints of the database hold as for any other rows. Triggers do not fire, because
 * they did their work when the rows were first written.
 *
 * @throws ConfigError, NotFoundError for names; RestoreError for a table that is missing or not empty, and for rows
 * that the server refuses; DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function addRows(
  context: LoadContext,
  source: DumpSource,
  { into, only }: AddRowsOptions,
  signal: AbortSignal,
): Promise<AddedRows> {
  const { database, log, startProgress } = context;
  const doing = describeDoing(source, into);
  const { dump, blocks } = await chooseBlocks(source, only, startProgress, signal);
  const { rows, bytes: wanted } = totalOf(blocks);

  let bytesRead = 0;
  const count = (bytes: number) => {
    bytesRead += bytes;
    progress.add(bytes);
  };
  // A COPY that is interrupted ends with its connection, which rolls back the transaction.
  const { either, stop } = stoppable(signal);
  await proveHeadings(source, dump, blocks, either);
  const reader = await openBlocks(source, count, either);
  log.info(sayReading(source, dump.bytes, wanted, reader));
  const progress = startProgress('restore', wanted);
  try {
    await database.use(into, either, async (client) => {
      try {
        await settleForDump(client);
        await client.query('BEGIN; SET LOCAL row_security = off; SET LOCAL xmloption = content');
        const ordered = await prepareTables(client, blocks, doing);
        const triggers = await pauseTriggers(client, blocks, doing);
        sayTriggers(triggers, log);
        for (const block of ordered) await copyBlock(client, source, reader, block, dump.encoding, doing);
        await client.query('SET CONSTRAINTS ALL IMMEDIATE').catch((error: unknown) => {
          throw constraintRefused(error, doing);
        });
        await triggers.resume();
        const left = await passSequences(client, blocks);
        await client.query('COMMIT');
        for (const sequence of left) log.warn(describeLeft(sequence));
      } catch (error) {
        stop(databaseError(doing, error));
        throw error;
      }
    });
  } finally {
    progress.stop();
    await reader.close();
  }
  return {
    database: into,
    tables: blocks.length,
    rows,
    bytes: dump.bytes,
    bytesRead,
    only: tallyTables(blocks),
  };
}

/**
 * Finds out beforehand what would prevent the rows from being added: unknown table names, tables that are missing or
 * not empty. Reads no rows.
 *
 * @throws what {@link addRows} would throw for these
 */
export async function foreseeRows(
  { database, startProgress }: LoadContext,
  source: DumpSource,
  { into, only }: AddRowsOptions,
  signal: AbortSignal,
): Promise<void> {
  const doing = describeDoing(source, into);
  const { blocks } = await chooseBlocks(source, only, startProgress, signal);
  await database.use(into, signal, async (client) => {
    try {
      await settleForDump(client);
      // A table whose rows are hidden from the role is not empty; and a check that changes nothing should not wait
      // long for a lock.
      await client.query("SET row_security = off; SET lock_timeout = '5s'");
      await refuseMissing(client, blocks, doing);
      await refuseFilled(client, blocks, doing);
    } catch (error) {
      throw databaseError(doing, error);
    }
  });
}

function describeDoing(source: DumpSource, into: string): string {
  return `cannot restore rows of ${source.name} into database ${into}`;
}

async function chooseBlocks(
  source: DumpSource,
  only: readonly string[],
  startProgress: StartProgress,
  signal: AbortSignal,
) {
  const dump = await knowDump(source, startProgress, signal);
  return { dump, blocks: (await chooseTables(source, dump, only, 'restore', signal)).tables };
}

function describeLeft(sequence: string): string {
  return `sequence ${sequence} was not advanced: its column is not a number, or the role may not set it; if it is behind, run: SELECT setval('${sequence}', …);`;
}

function sayTriggers({ paused, firing }: PausedTriggers, log: Logger): void {
  if (paused.length > 0) log.info(`triggers disabled for these rows: ${paused.join(', ')}`);
  if (firing.length > 0) {
    log.warn(
      `triggers fire for these rows and may change them, because the role may not disable them: ${firing.join(', ')}`,
    );
  }
}

function sayReading(
  source: DumpSource,
  bytes: number,
  wanted: number,
  { ranged }: Pick<BlockReader, 'ranged'>,
): string {
  return ranged
    ? `reading ${formatBytes(wanted)} of ${formatBytes(bytes)}`
    : `${source.name} is compressed, so everything before these rows must be read`;
}

/** @returns the blocks in an order that satisfies the foreign keys among them */
async function prepareTables(
  client: pg.Client,
  blocks: readonly DumpTable[],
  doing: string,
): Promise<DumpTable[]> {
  await refuseMissing(client, blocks, doing);
  await lockTables(client, blocks);
  await refuseFilled(client, blocks, doing);
  await client.query('SET CONSTRAINTS ALL DEFERRED');
  return orderBlocks(blocks, await immediateOrder(client, blocks));
}

async function refuseMissing(client: pg.Client, blocks: readonly DumpTable[], doing: string): Promise<void> {
  const [missing] = await missingTables(client, blocks);
  if (missing === undefined) return;
  throw new RestoreError({
    doing,
    problem: `it has no table ${qualifiedName(missing)}`,
    remedy: 'omit --data-only to restore the table into a new database, or create it',
  });
}

async function refuseFilled(client: pg.Client, blocks: readonly DumpTable[], doing: string): Promise<void> {
  const [filled] = await filledTables(client, blocks);
  if (filled === undefined) return;
  const problem = `table ${qualifiedName(filled)} is not empty`;
  throw new RestoreError({ doing, problem, remedy: await waysFor(client, filled) });
}

/**
 * What to do about a table that has rows, which may be newer than the backup. Emptying it is advised only if that
 * affects no rows of other tables.
 */
async function waysFor(client: pg.Client, table: DumpTable): Promise<string> {
  const beside = 'omit --data-only to restore into a new database';
  const following = await tablesThatFollow(client, table);
  if (following.length > 0) {
    return `${beside}: deleting its rows would delete or change rows of ${following.join(', ')}`;
  }
  return `if its rows are not needed, empty it (DELETE FROM ${await ownRows(client, table)};), or ${beside}`;
}
