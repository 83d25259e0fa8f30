import type pg from 'pg';
import type { DumpPosition } from '../dump/tokens.ts';
import { OperatorError, RestoreError } from '../errors.ts';
import { describeCause, errorCode, excerptOf, remedyOf } from '../postgres/errors.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import type { Logger } from '../ui/log.ts';
import { restEventTriggers, withoutEventTriggers } from './event-triggers.ts';
import { leftOut } from './left-out.ts';
import { type LostPrivileges, notingLost } from './lost-privileges.ts';
import { isInTransaction, isTransactional } from './own-transactions.ts';
import { runRaw } from './raw-query.ts';
import { settingOf } from './session-settings.ts';

/** By setting, for a SET whose value names something that the server lacks. */
const LACK_REMEDIES: Readonly<Record<string, string>> = {
  default_tablespace: 'create the tablespace on the database server with CREATE TABLESPACE, then run again',
  default_table_access_method: 'install the extension that provides the access method on the database server',
};

/** A statement that a restore goes on without. */
export interface RefusedStatement {
  readonly line: number;
  /** Its place in the dump, and what the server says of it. */
  readonly problem: string;
}

/** The context for running statements of a dump and saying which one failed. */
export interface StatementContext {
  /** What the dump is called in errors. */
  readonly name: string;
  readonly log: Logger;
  readonly lost: LostPrivileges;
  /**
   * What the server has refused of the statements after the rows, if the restore goes on without them because the old
   * database is gone; undefined if the first of them stops it.
   */
  readonly refused: RefusedStatement[] | undefined;
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
    const setting = errorCode(error) === SQLSTATE.invalidParameterValue ? settingOf(sql) : undefined;
    return rethrowAt(error, at, context.name, { lackRemedy: LACK_REMEDIES[setting?.toLowerCase() ?? ''] });
  }
}

/** The entry that fills a materialized view. */
export const FILLS_VIEW = 'MATERIALIZED VIEW DATA';

/**
 * SQLSTATE classes for which the statement itself is to blame (manual, appendix A), not the connection or the
 * server's disk.
 */
const OF_STATEMENT = /^(?:42|0A)/;

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
    () => runStatement(client, sql, at, context),
    ({ cause }) => OF_STATEMENT.test(errorCode(cause) ?? ''),
  );
  if (refused === undefined) return;
  context.log.warn(`left out because the server does not accept it here: ${refused.problem}`);
}

/** Any SQLSTATE, but for those with which the server ends the connection (manual, appendix A). */
const OF_A_STATEMENT = /^(?!57P0)[0-9A-Z]{5}$/;

/**
 * Runs a statement that follows the rows. Once the old database is gone, the rows without an index or a constraint are
 * better than nothing, so a refused statement is noted and warned of.
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
  // A transaction cannot be ended within a savepoint.
  if (refused === undefined || isTransactional(sql)) {
    await run();
    return;
  }
  const failure = await attempt(client, run, ({ cause }) => OF_A_STATEMENT.test(errorCode(cause) ?? ''));
  if (failure === undefined) return;
  refused.push({ line: at.line, problem: failure.problem });
  log.error(`${failure.problem}; left out, because the old database is gone`);
}

/**
 * Does what may fail for some reasons; a transaction that the dump has begun then goes on.
 *
 * @returns why it has failed, for one of these reasons
 * @throws RestoreError for any other
 */
export async function attempt(
  client: pg.Client,
  run: () => Promise<unknown>,
  mayFail: (error: RestoreError) => boolean,
): Promise<RestoreError | undefined> {
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

const REMEDIES: Readonly<Record<string, string>> = {
  [SQLSTATE.insufficientPrivilege]:
    'restore as a role with that privilege, or give --no-owner if it concerns owners or grants',
  [SQLSTATE.undefinedFile]: 'install what the message names on the database server',
  [SQLSTATE.featureNotSupported]: 'install what the message names on the database server',
  [SQLSTATE.undefinedObject]:
    'create what the message names on the database server; for a role, --no-owner omits it',
};

/** Entries of grants, which differ between versions: `MAINTAIN` is a privilege since PostgreSQL 17. */
const GRANTS = new Set(['ACL', 'DEFAULT ACL']);
const WITHOUT_GRANTS = 'give --no-owner, which omits owners and grants';

/** psql goes on after a statement that is refused. */
const ANY_WAY =
  'see the server’s log; `psql -d new_database -f FILE` restores a plain dump and skips what is refused';

/** For rows whose table or schema does not exist: the dump was taken with `--data-only` or the like. */
const ROWS_ALONE =
  'take a dump that includes the schema, or load the rows into a database that has the tables, with --table and --data-only';
const NO_TABLE = new Set<string>([SQLSTATE.undefinedTable, SQLSTATE.invalidSchemaName]);

/** pg_dump empties the search_path (CVE-2018-1058), so whatever a function names without a schema is not found. */
const NAMES_ALONE =
  'have the function find what it names: ALTER FUNCTION … SET search_path in the dumped database, then take another backup';
const UNFOUND = new Set<string>([
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedFunction,
  SQLSTATE.undefinedObject,
]);

function remedyFor(
  code: string | undefined,
  at: DumpPosition | undefined,
  context: string | undefined,
): string | undefined {
  if (code === undefined) return undefined;
  if (UNFOUND.has(code) && /\bfunction\b/.test(context ?? '')) return NAMES_ALONE;
  const type = at?.entry?.type;
  if (type === 'TABLE DATA' && NO_TABLE.has(code)) return ROWS_ALONE;
  const remedy = REMEDIES[code];
  const isOfGrant = type !== undefined && GRANTS.has(type) && OF_STATEMENT.test(code);
  return isOfGrant && remedy?.includes('--no-owner') !== true ? WITHOUT_GRANTS : remedy;
}

/**
 * Rethrows an error with the place in the dump where it occurred.
 *
 * @param about `rowOf`: the row of the dump's block, from 1, that a COPY of some of its rows sent as its n-th;
 * `lackRemedy`: what to do if the server lacks what the statement names
 */
export function rethrowAt(
  error: unknown,
  at: DumpPosition | undefined,
  name: string,
  about: {
    readonly rowOf?: ((sent: number) => number) | undefined;
    readonly lackRemedy?: string | undefined;
  } = {},
): never {
  const { rowOf = (sent) => sent, lackRemedy } = about;
  if (error instanceof OperatorError) throw error;
  const { where: context } = error as { where?: string };
  const row = context?.split('\n')[0];
  const code = errorCode(error);
  throw new RestoreError({
    doing: `cannot restore ${name}`,
    problem: `${placeOf(at, lineOf(at, row, rowOf))}: ${describeCause(error)}${row === undefined ? '' : ` (${excerptOf(row)})`}`,
    remedy: lackRemedy ?? remedyFor(code, at, context) ?? remedyOf(error) ?? ANY_WAY,
    serverLacks: lackRemedy !== undefined,
    cause: error,
  });
}

/** `line 22, TABLE DATA public.t` */
function placeOf(at: DumpPosition | undefined, line: number | undefined): string {
  const entry = at?.entry;
  if (entry === undefined) return `line ${line}`;
  const schema = entry.schema === '-' ? '' : `${entry.schema}.`;
  return `line ${line}, ${entry.type} ${schema}${entry.name}`;
}

/** For a row that was refused, its own line, which the server counts from that of the COPY statement. */
function lineOf(
  at: DumpPosition | undefined,
  context: string | undefined,
  rowOf: (sent: number) => number,
): number | undefined {
  const row = /^COPY .*, line (\d+)/.exec(context ?? '')?.[1];
  return at === undefined || row === undefined ? at?.line : at.line + rowOf(Number(row));
}
