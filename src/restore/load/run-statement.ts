import type pg from 'pg';
import type { DumpPosition } from '../../dump/tokens.ts';
import { RestoreError } from '../../errors.ts';
import { errorCode, sqlState } from '../../postgres/errors.ts';
import { endsSession } from '../../postgres/server-away.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import type { Logger } from '../../ui/log.ts';
import { restEventTriggers, withoutEventTriggers } from './event-triggers.ts';
import { leftOut } from './left-out.ts';
import { type LostPrivileges, notingLost } from './lost-privileges.ts';
import { isInTransaction, isTransactional } from './own-transactions.ts';
import { runRaw } from './raw-query.ts';
import { settingOf } from './session-settings.ts';
import { OF_STATEMENT, placeOf, rethrowAt } from './statement-error.ts';

/** By setting, for a SET whose value names something that the server lacks. */
const LACK_REMEDIES: Readonly<Record<string, string>> = {
  default_tablespace: 'create the tablespace on the database server with CREATE TABLESPACE, then run again',
  default_table_access_method: 'install the extension that provides the access method on the database server',
  // Turning it off is refused since PostgreSQL 19 (release notes).
  standard_conforming_strings:
    'restore it on a server before PostgreSQL 19, set standard_conforming_strings to on there, and take another backup',
};

const REFUSES_VALUE = new Set<string>([SQLSTATE.invalidParameterValue, SQLSTATE.featureNotSupported]);

/** A statement, or some rows of a table, that a restore goes on without. */
export interface Refused {
  readonly line: number;
  /** Its place in the dump, and what the server says of it. */
  readonly problem: string;
  /** For rows, without which the restore fails once all else is in. */
  readonly rows?: RestoreError;
}

/** The context for running statements of a dump and saying which one failed. */
export interface StatementContext {
  /** What the dump is called in errors. */
  readonly name: string;
  readonly log: Logger;
  readonly lost: LostPrivileges;
  /**
   * What the server has refused of the rows and of the statements after them, if the restore goes on without because
   * there is no old database to go back to; undefined if the first refusal stops it.
   */
  readonly refused: Refused[] | undefined;
}

/**
 * Runs a statement exactly as in the dump.
 *
 * @returns whether it was skipped, as {@link leftOut} decides; with a warning if that loses anything
 * @throws RestoreError with the statement's line, type and name when the server refuses it
 */
export async function runStatement(
  client: pg.Client,
  sql: Buffer,
  at: DumpPosition,
  context: StatementContext,
): Promise<'done' | 'skipped'> {
  try {
    const type = at.entry?.type;
    if (type === 'EVENT TRIGGER') await restEventTriggers(client);
    const run = () => notingLost(client, context.lost, placeOf(at, at.line), () => runRaw(client, sql));
    await (type === FILLS_VIEW ? withoutEventTriggers(client, run) : run());
    return 'done';
  } catch (error) {
    const without = leftOut(error, sql, at);
    if (without !== undefined) {
      context.log[without.loses ? 'warn' : 'debug'](`line ${at.line}: ${without.why}; skipped`);
      return 'skipped';
    }
    const setting = REFUSES_VALUE.has(errorCode(error) ?? '') ? settingOf(sql) : undefined;
    return rethrowAt(error, at, context.name, { lackRemedy: LACK_REMEDIES[setting?.toLowerCase() ?? ''] });
  }
}

/** The entry that fills a materialized view. */
export const FILLS_VIEW = 'MATERIALIZED VIEW DATA';

/**
 * Runs a statement that the rest of the dump can do without: if the server refuses it, that is only a warning, and a
 * transaction that the dump has begun goes on.
 *
 * @throws RestoreError for any other failure
 */
export async function tryStatement(
  client: pg.Client,
  sql: Buffer,
  at: DumpPosition,
  context: StatementContext,
): Promise<void> {
  const refused = await attempt(
    client,
    sql,
    () => runStatement(client, sql, at, context),
    ({ cause }) => OF_STATEMENT.test(sqlState(cause) ?? ''),
  );
  if (refused === undefined) return;
  context.log.warn(`left out because the server does not accept it here: ${refused.problem}`);
}

/**
 * Runs a statement that follows the rows. If there is no old database to go back to, the rows without an index or a
 * constraint are better than nothing, so a refused statement is noted and told.
 *
 * @throws RestoreError if the server refuses it and there is a way back
 */
export async function runAfterRows(
  client: pg.Client,
  sql: Buffer,
  at: DumpPosition,
  context: StatementContext,
): Promise<void> {
  const { log, refused } = context;
  const run = () => runStatement(client, sql, at, context);
  if (refused === undefined) {
    await run();
    return;
  }
  const failure = await attempt(client, sql, run, ({ cause }) => !endsSession(cause));
  if (failure === undefined) return;
  refused.push({ line: at.line, problem: failure.problem });
  log.error(`${failure.problem}; left out, so that the rows are not lost`);
}

/**
 * Does what may fail for some reasons; a transaction that the dump has begun then goes on. A statement that begins or
 * ends one may not fail.
 *
 * @param sql the statement that `run` runs
 * @returns why it has failed, for one of these reasons
 * @throws RestoreError for any other
 */
export async function attempt(
  client: pg.Client,
  sql: Buffer,
  run: () => Promise<unknown>,
  mayFail: (error: RestoreError) => boolean,
): Promise<RestoreError | undefined> {
  // A transaction cannot be ended within a savepoint.
  if (isTransactional(sql)) {
    await run();
    return undefined;
  }
  const inTransaction = isInTransaction(client);
  try {
    if (inTransaction) await client.query('SAVEPOINT before_try');
    await run();
    if (inTransaction) await client.query('RELEASE SAVEPOINT before_try');
    return undefined;
  } catch (error) {
    if (!(error instanceof RestoreError) || !mayFail(error)) throw error;
    if (inTransaction) await client.query('ROLLBACK TO SAVEPOINT before_try; RELEASE SAVEPOINT before_try');
    return error;
  }
}
