import pg from 'pg';
import { DatabaseError, isCertificateCode, messageOf, OperatorError } from '../errors.ts';
import { formatExcerpt } from '../ui/format.ts';
import { SQLSTATE } from './sqlstate.ts';

/** {@link SQLSTATE} of a server's error, or the code of a socket error. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** {@link SQLSTATE} of a server's error; undefined for any other, such as that of a socket, `EPIPE`. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Number of characters to keep of a server message: its own words and the beginning of what it quotes. */
const SAID_KEPT = 500;

const WENT_AWAY = 'the connection to the server was lost; see its log and run again';

const WAIT_FOR_CONNECTION = 'wait, or raise max_connections';

const NAME_TAKEN = 'wait a second and run again: another run took the name';

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'check POSTGRES_HOST and POSTGRES_PORT, and that the server is running',
  ENOENT: 'check POSTGRES_HOST and POSTGRES_PORT, and that the server is running',
  ENOTFOUND: 'check POSTGRES_HOST',
  EAI_AGAIN: 'check POSTGRES_HOST and DNS',
  ETIMEDOUT: 'check POSTGRES_HOST, POSTGRES_PORT and the firewall',
  EHOSTUNREACH: 'check POSTGRES_HOST and the network',
  ENETUNREACH: 'check POSTGRES_HOST and the network',
  ECONNRESET: WENT_AWAY,
  EPIPE: WENT_AWAY,
  [SQLSTATE.adminShutdown]: WENT_AWAY,
  [SQLSTATE.crashShutdown]: WENT_AWAY,
  // A transaction may be read-only on a primary too, if a function makes it so.
  [SQLSTATE.readOnlySqlTransaction]: 'set POSTGRES_HOST to the primary, if this server is a standby',
  [SQLSTATE.invalidPassword]: 'check POSTGRES_USER and POSTGRES_PASSWORD',
  [SQLSTATE.invalidAuthorizationSpecification]: 'check POSTGRES_USER and the server’s pg_hba.conf',
  [SQLSTATE.invalidCatalogName]:
    'check POSTGRES_DB; if the database is gone, bring it back with `topobank-backup restore --latest`',
  [SQLSTATE.insufficientPrivilege]: 'grant the role the missing privilege, or use another POSTGRES_USER',
  [SQLSTATE.tooManyConnections]: WAIT_FOR_CONNECTION,
  [SQLSTATE.cannotConnectNow]: 'wait until the server has started',
  [SQLSTATE.duplicateDatabase]: NAME_TAKEN,
  [SQLSTATE.lockNotAvailable]: 'run again once the session that holds the lock has ended (see pg_locks)',
  [SQLSTATE.diskFull]: 'free space on the database server’s disk',
};

/** Messages of `pg`, without a code, for a connection that broke, and for one that was not made in time. */
export const BROKE = /^Connection terminated|not queryable/;
export const TOO_LATE = /^timeout expired/;

/** What `pg` says of a query over a connection that had ended before; of one that ends meanwhile it speaks plainly. */
const HAD_ENDED = /^Client .* is not queryable$/;

/** What to do about a pooler that keeps no session for a connection. */
export const SESSION_POOL =
  'set POSTGRES_HOST and POSTGRES_PORT to PostgreSQL itself, or to a pool in session mode';

/** What PgBouncer says of a database that it does not serve. */
export const NOT_SERVED = /^no such database: /;

/** Remedies for errors without a code of their own: messages of `pg`, of Node's TLS, of poolers, and one of the server. */
const SPOKEN: readonly (readonly [RegExp, string])[] = [
  [BROKE, WENT_AWAY],
  // Where a database of that name appears after the server has looked for one, its index is what refuses the other.
  [/\bpg_database_datname_index\b/, NAME_TAKEN],
  [/not allowed in statement pooling mode/, SESSION_POOL],
  [
    NOT_SERVED,
    'have the pooler serve a database of that name, or set POSTGRES_HOST and POSTGRES_PORT to PostgreSQL itself',
  ],
  [
    /is being used by logical replication subscription/,
    'list its subscriptions with \\dRs in psql, and drop each there (DROP SUBSCRIPTION, after SET (slot_name = NONE) if another database still uses its slot)',
  ],
  [TOO_LATE, 'check POSTGRES_HOST, POSTGRES_PORT and the firewall, or raise PGCONNECT_TIMEOUT'],
  [/error establishing an SSL connection/, 'check POSTGRES_PORT: the server there is not PostgreSQL'],
  [/does not support SSL/, 'set PGSSLMODE=disable, or enable TLS on the server'],
];

/**
 * Turns any error of `pg` into a DatabaseError that says what was being done. An error already meant for the operator
 * is returned as it is.
 */
export function databaseError(doing: string, error: unknown): OperatorError {
  if (error instanceof OperatorError) return error;
  return new DatabaseError({
    doing,
    problem: describeCause(error),
    remedy: remedyOf(error) ?? 'see the server’s log',
    cause: error,
  });
}

/** What went wrong, in the words of the server or the system. */
export function describeCause(error: unknown): string {
  // A host name with several addresses fails with one error for each of them.
  if (error instanceof AggregateError && error.errors.length > 0) return describeCause(error.errors[0]);
  const said = messageOf(error);
  if (HAD_ENDED.test(said)) return 'Connection terminated';
  return excerptOf([said, ...missingPrivilege(error)].join(': '));
}

/** Which privilege or attribute it is that the role lacks: since PostgreSQL 16 often told only beside the message. */
function missingPrivilege(error: unknown): string[] {
  if (errorCode(error) !== SQLSTATE.insufficientPrivilege) return [];
  const { detail } = error as { readonly detail?: string };
  return detail === undefined ? [] : [detail.replace(/\.$/, '')];
}

/** Shortens a server message, which may quote a whole row. */
export function excerptOf(said: string): string {
  return formatExcerpt(said, SAID_KEPT);
}

/** What an operator can do if the server says that it, a role or a database has too many connections. */
export function remedyForLimit(said: string): string | undefined {
  if (/connection slots are reserved .*"pg_use_reserved_connections"/.test(said)) {
    return 'wait, raise max_connections, or GRANT pg_use_reserved_connections to the role WITH INHERIT TRUE';
  }
  if (/connection slots are reserved|too many clients/.test(said)) return WAIT_FOR_CONNECTION;
  const [, kind, name] = /too many connections for (role|database) "(.+)"/.exec(said) ?? [];
  if (kind === undefined || name === undefined) return undefined;
  return `wait, or raise the limit with ALTER ${kind.toUpperCase()} ${pg.escapeIdentifier(name)} CONNECTION LIMIT`;
}

/**
 * What an operator can do if a standby says that it had to end a query, or a session, to go on with its recovery
 * (manual, "Handling Query Conflicts"). Feedback keeps rows that are still needed, and prevents no other conflict.
 *
 * @param said what the server says, with its detail, which names the conflict
 */
export function remedyForConflict(said: string): string | undefined {
  if (!/due to conflict with recovery/.test(said)) return undefined;
  if (/holding a relation lock/.test(said)) {
    return 'set a larger max_standby_streaming_delay on the standby, and run again: a table was locked on the primary, as by DROP, TRUNCATE, ALTER TABLE or VACUUM';
  }
  if (/connected to a database that must be dropped/.test(said))
    return 'check POSTGRES_DB: the database was dropped on the primary';
  return 'set hot_standby_feedback = on or a larger max_standby_streaming_delay on the standby, and run again';
}

/**
 * What an operator can do if the server says that row-level security would hide rows. Its hint, if there is one, says
 * that the role owns the table, so that being the owner is not enough.
 */
export function remedyForHiddenRows(said: string): string | undefined {
  if (!/row-level security/.test(said)) return undefined;
  return /NO FORCE ROW LEVEL SECURITY/.test(said)
    ? 'ALTER TABLE … NO FORCE ROW LEVEL SECURITY, or use a role with BYPASSRLS'
    : 'use the owner of the table, or a role with BYPASSRLS';
}

/** What an operator can do about an error of `pg`; undefined if nothing specific is known. */
export function remedyOf(error: unknown): string | undefined {
  const code = errorCode(error);
  if (code !== undefined && isCertificateCode(code)) {
    return 'set PGSSLROOTCERT to the CA’s certificate file, or set PGSSLMODE=require to accept any certificate';
  }
  const said = describeCause(error);
  const { detail = '', hint = '' } = (error ?? {}) as { readonly detail?: string; readonly hint?: string };
  return (
    remedyForLimit(said) ??
    remedyForConflict(`${said} ${detail}`) ??
    remedyForHiddenRows(`${said} ${hint}`) ??
    SPOKEN.find(([pattern]) => pattern.test(said))?.[1] ??
    (code === undefined ? undefined : REMEDIES[code])
  );
}
