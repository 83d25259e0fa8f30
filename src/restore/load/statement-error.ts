import type { DumpPosition } from '../../dump/tokens.ts';
import { OperatorError, RestoreError } from '../../errors.ts';
import { describeCause, errorCode, excerptOf, remedyOf } from '../../postgres/errors.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';

/**
 * SQLSTATE classes for which the statement itself is to blame (manual, appendix A), not the connection or the
 * server's disk.
 */
export const OF_STATEMENT = /^(?:42|0A)/;

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
export function placeOf(at: DumpPosition | undefined, line: number | undefined): string {
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
