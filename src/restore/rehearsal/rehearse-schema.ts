import type pg from 'pg';
import type { DumpSource } from '../../catalog/dump-source.ts';
import { type DumpIndex, totalOf } from '../../dump/dump-index.ts';
import { isOwnership } from '../../dump/ownership.ts';
import { readAll, readText } from '../../dump/read-text.ts';
import { refuseUnrunnable } from '../../dump/refusals.ts';
import { createTokenizer } from '../../dump/tokenizer.ts';
import type { CopyStart, DumpToken, Statement } from '../../dump/tokens.ts';
import { RestoreError } from '../../errors.ts';
import { administer } from '../../postgres/database.ts';
import { dropByHand } from '../../postgres/database-statements.ts';
import { databaseError, describeCause } from '../../postgres/errors.ts';
import type { Logger } from '../../ui/log.ts';
import { finishScratch, prepareScratch } from '../apply-facts.ts';
import { createScratch, dropOnceThere, dropScratch } from '../databases/scratch.ts';
import { copyRows } from '../load/copy-rows.ts';
import { isOfMissing, mayBeForLackOfRows } from '../load/lack-of-rows.ts';
import { noneLost } from '../load/lost-privileges.ts';
import { refuseUncommitted } from '../load/own-transactions.ts';
import { WORTH_A_REQUEST } from '../load/row-pieces.ts';
import { attempt, runStatement, type StatementContext } from '../load/run-statement.ts';
import type { LoadContext } from '../load-context.ts';
import type { RestorePlan } from '../plan-restore.ts';
import { withLanes } from '../wide/lanes.ts';
import { ownEntry } from './own-entry.ts';
import { undoingSubscriptions } from './undoing-subscriptions.ts';

interface RehearseOptions {
  readonly scratch: string;
  readonly plan: RestorePlan;
  /** What one pass over the dump has found. */
  readonly dump: Pick<DumpIndex, 'bytes' | 'tables'>;
  readonly noOwner: boolean;
}

/**
 * Runs all of a dump but its rows on a database that is dropped again, and gives that database its owner and settings.
 * What the server does not have, or what the role may not do, thus shows up before another database is dropped for
 * this one.
 *
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function rehearseSchema(
  context: LoadContext,
  source: DumpSource,
  options: RehearseOptions,
  signal: AbortSignal,
): Promise<void> {
  const { database, log, startProgress } = context;
  const { scratch, plan } = options;
  // The real restore warns of what it skips; this one need not.
  const quiet: Logger = { ...log, info: log.debug, warn: log.debug };
  const into = { scratch, log: quiet };
  log.info(`trying all of ${source.name} but its rows on an empty database`);
  await createScratch(context, scratch, plan.creation);
  try {
    await administer(database, signal, (client) => prepareScratch(client, plan, into));
    await runWithoutRows({ database, log: quiet, startProgress }, source, options, signal);
    await administer(database, signal, (client) => finishScratch(client, plan, into));
  } catch (error) {
    await dropScratch(context, scratch, error);
    throw databaseError(`cannot restore ${source.name} into ${scratch}`, error);
  }
  await dropTried(context, scratch);
}

/**
 * Anything left over would be in the way of the real restore.
 *
 * @throws RestoreError
 */
async function dropTried(context: LoadContext, scratch: string): Promise<void> {
  try {
    await dropOnceThere(context, scratch);
  } catch (error) {
    throw new RestoreError({
      doing: `cannot drop database ${scratch}, on which all but the rows was tried`,
      problem: describeCause(error),
      remedy: `drop it and run again: ${dropByHand(scratch)}`,
      cause: error,
    });
  }
}

async function runWithoutRows(
  { database, log, startProgress }: LoadContext,
  source: DumpSource,
  { scratch, dump, noOwner }: RehearseOptions,
  signal: AbortSignal,
): Promise<void> {
  const { name } = source;
  const doing = `cannot restore ${name}`;
  const { tokens, bytes } = await readMostlyText(source, dump, signal);
  const statements: StatementContext = { name, log, lost: noneLost(), refused: undefined };
  const progress = startProgress('try', bytes);
  /** Before that, nothing can depend on rows. */
  let hasTables = false;
  let hasPassedOver = false;
  try {
    await withLanes(database, scratch, 1, signal, async ({ text: { client } }) => {
      const leavesOut = undoingSubscriptions(client);
      for await (const token of tokens) {
        refuseUnrunnable(token, doing);
        if (token.type === 'section') hasTables = token.name !== 'pre-data';
        if (token.type === 'text' || token.type === 'copy-rows') progress.add(token.data.length);
        if (token.type !== 'copy-start' && token.type !== 'statement') continue;
        const statement = token.type === 'statement' ? token : undefined;
        if (statement !== undefined && noOwner && isOwnership(statement.sql)) continue;
        if ((await leavesOut(statement)) || (statement !== undefined && isOfRows(statement))) continue;
        const mayFail = (error: RestoreError) =>
          hasTables && (mayBeForLackOfRows(error, token) || (hasPassedOver && isOfMissing(error)));
        const refused = await tryWithoutRows(client, token, statements, mayFail);
        hasPassedOver ||= refused !== undefined;
        if (refused !== undefined) log.debug(`passed over, as it may need rows: ${refused.problem}`);
      }
      await leavesOut(undefined);
      refuseUncommitted(client, doing);
    });
  } finally {
    progress.stop();
  }
}

/** A dump's tokens, without the rows of large tables if it can be read in ranges. */
async function readMostlyText(
  source: DumpSource,
  { bytes, tables }: RehearseOptions['dump'],
  signal: AbortSignal,
): Promise<{ readonly tokens: AsyncIterable<DumpToken>; readonly bytes: number }> {
  const tokenizer = createTokenizer(source.name, 'whole');
  const readRange = await source.ranges(signal);
  if (readRange === undefined) return { tokens: readAll(tokenizer, source.read(signal)), bytes };
  const leftOut = tables.filter((table) => table.bytes >= WORTH_A_REQUEST);
  return {
    tokens: readText(tokenizer, { bytes, leftOut, readRange }, signal),
    bytes: bytes - totalOf(leftOut).bytes,
  };
}

/** Entries of rows as INSERT, and of the contents of large objects; comments on these may depend on them. */
const ROWS = new Set(['TABLE DATA', 'BLOBS', 'BLOB COMMENTS']);

/** Whether a statement is of rows, and not tried. */
function isOfRows(statement: Statement): boolean {
  return ROWS.has(ownEntry(statement)?.type ?? '');
}

/** @returns why it has failed, if that may be for lack of rows */
async function tryWithoutRows(
  client: pg.Client,
  token: Statement | CopyStart,
  context: StatementContext,
  mayFail: (error: RestoreError) => boolean,
): Promise<RestoreError | undefined> {
  const run = async () => {
    // Even without rows, the server refuses it to a role that may not insert any.
    if (token.type === 'copy-start') await copyRows(client, token, context).end(0);
    else await runStatement(client, token.sql, token, context);
  };
  return attempt(client, token.sql, run, mayFail);
}
