import { DatabaseError } from '../errors.ts';

/** SQLSTATE of a server's error, or the code of a socket error (manual, appendix A). */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'check POSTGRES_HOST and POSTGRES_PORT, and that the server runs',
  ENOTFOUND: 'check POSTGRES_HOST',
  EAI_AGAIN: 'check POSTGRES_HOST and the name server',
  ETIMEDOUT: 'check POSTGRES_HOST, POSTGRES_PORT and the firewall',
  EHOSTUNREACH: 'check POSTGRES_HOST and the network',
  '28P01': 'check POSTGRES_USER and POSTGRES_PASSWORD',
  '28000': 'check POSTGRES_USER and the server’s pg_hba.conf',
  '3D000': 'check POSTGRES_DB',
  '42501': 'grant the role what it lacks, or use another POSTGRES_USER',
  '53300': 'wait, or raise max_connections',
  '57P03': 'wait until the server has started',
  '53100': 'make room on the database server’s disk',
};

/**
 * Any error of `pg` as a DatabaseError that says what was being done. An error that already is meant for the operator
 * is returned as it is.
 */
export function databaseError(doing: string, error: unknown): Error {
  if (error instanceof Error && 'exitStatus' in error) return error;
  const code = errorCode(error);
  const remedy = code === undefined ? undefined : REMEDIES[code];
  return new DatabaseError({
    doing,
    problem: describe(error),
    remedy: remedy ?? 'see the server’s log',
    cause: error,
  });
}

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
