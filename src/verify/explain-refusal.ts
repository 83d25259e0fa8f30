import type { DumpSource } from '../catalog/dump-source.ts';
import { isOfBytes } from '../catalog/verification.ts';
import { DumpError, RestoreError } from '../errors.ts';
import { errorCode } from '../postgres/errors.ts';
import type { OwnerLack } from '../postgres/owner-lack.ts';
import { isAway } from '../postgres/server-away.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import { isOfServer } from '../restore/load/whose-fault.ts';
import { watched } from '../watched.ts';
import { alteredOnItsWay, type ByteTools, checkBytes } from './check-bytes.ts';
import type { Evidence } from './evidence.ts';
import { type BytesHashed, hashBytes } from './hash-bytes.ts';

/**
 * SQLSTATE of what one version of PostgreSQL accepts and another does not (manual, appendix A): syntax, names and
 * access rules, and values of settings and options; never what is wrong with rows.
 */
const DIFFERS = /^(?:42|22023)/;

/** How a server has refused a dump. */
interface Refused {
  /** The bytes that were read up to then. */
  readonly read: BytesHashed;
  /** Major versions of the server that was dumped, if the dump says so, and of the one that refused it. */
  readonly dumpedBy: number | undefined;
  readonly refusedBy: number;
  /** What the role lacks to restore for the owner of the dumped database. */
  readonly lack: OwnerLack | undefined;
}

/** Then the dump may be right and only not for this server. */
function isOfOtherMajor({ dumpedBy, refusedBy }: Refused): boolean {
  return dumpedBy !== undefined && dumpedBy !== refusedBy;
}

/**
 * Explains why a dump was refused: if its bytes differ from those that were dumped, that is the reason.
 *
 * @param refused undefined if no server has refused it
 * @throws RestoreError if the server could not take any dump of this kind, StoreError if the bytes arrived altered;
 * or the signal's reason
 */
export async function explainRefusal(
  error: RestoreError | DumpError,
  source: DumpSource,
  tools: ByteTools,
  signal: AbortSignal,
  refused?: Refused,
): Promise<Evidence> {
  const hash = hashBytes(refused?.read.bytes);
  const hashed: DumpSource = { ...source, read: (by) => watched(source.read(by), hash.add) };
  const found = await checkBytes(hashed, tools, signal);
  const isDamaged = found.faults.some(({ what }) => isOfBytes(what));
  if (error instanceof DumpError && isDamaged) return { ...found, foundBy: 'full' };
  const again = hash.end();
  const isAltered =
    !isDamaged && refused !== undefined && (await isOnlyNow(refused.read, again, source, signal));
  if (!isDamaged && (error instanceof DumpError || isAltered)) {
    throw alteredOnItsWay(source.name, error.problem);
  }
  if (error instanceof RestoreError && !isDamaged && isOfServer(error)) {
    throw ofServer(error, source, refused?.lack);
  }
  const isOfSyntax = error instanceof RestoreError && DIFFERS.test(errorCode(error.cause) ?? '');
  if (isOfSyntax && !isDamaged && refused !== undefined && isOfOtherMajor(refused)) {
    const { dumpedBy, refusedBy } = refused;
    throw new RestoreError({
      doing: `cannot try to restore ${source.name}`,
      problem: `PostgreSQL ${refusedBy} does not accept what PostgreSQL ${dumpedBy} dumped: ${error.problem}`,
      remedy: `set VERIFY_DATABASE_URL to a PostgreSQL ${dumpedBy} for the drill`,
      cause: error.cause,
    });
  }
  const fault = { what: 'restore', where: '', expected: 'a dump that the server accepts' } as const;
  const faults = [...found.faults, { ...fault, found: error.problem }];
  return { ...found, faults, ...(isDamaged ? { foundBy: 'full' } : {}) };
}

/** A privilege is refused for the rights that the role lacks, if it lacks any. */
function ofServer(
  { problem, remedy: itsOwn, cause }: RestoreError,
  { name }: DumpSource,
  lack: OwnerLack | undefined,
): RestoreError {
  const doing = `cannot try to restore ${name}`;
  if (lack?.grant !== undefined && errorCode(cause) === SQLSTATE.insufficientPrivilege) {
    const belongs = `the dumped database belongs to the role ${JSON.stringify(lack.owner)}, but ${lack.why}`;
    const remedy = `${lack.grant}, or set VERIFY_DATABASE_URL to a server that can restore it`;
    return new RestoreError({ doing, problem: `${problem}; ${belongs}`, remedy, cause });
  }
  const remedy =
    (isAway(cause) ? itsOwn : undefined) ??
    'make sure the server of the drill can restore it, or set VERIFY_DATABASE_URL to another one';
  return new RestoreError({ doing, problem, remedy, cause });
}

/** Whether a dump that read as `first` came as other bytes only then: it reads as `second` again. */
async function isOnlyNow(
  first: BytesHashed,
  second: BytesHashed,
  source: DumpSource,
  signal: AbortSignal,
): Promise<boolean> {
  if (first.sha256 === second.sha256) return false;
  const hash = hashBytes(first.bytes);
  let bytes = 0;
  for await (const chunk of source.read(signal)) {
    hash.add(chunk);
    bytes += chunk.length;
    if (bytes >= first.bytes) break;
  }
  return hash.end().sha256 === second.sha256;
}
