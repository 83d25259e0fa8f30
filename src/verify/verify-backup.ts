import type { Backup, BrokenBackup, UsableBackup } from '../catalog/backup.ts';
import { type Catalog, isDeleted } from '../catalog/catalog.ts';
import { deletedMeanwhile } from '../catalog/choose-backup.ts';
import { backupSource, type DumpSource } from '../catalog/dump-source.ts';
import type { Manifest } from '../catalog/manifest.ts';
import type { Depth } from '../catalog/verification.ts';
import { ZSTD } from '../dump/other-than-plain.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { DumpError, NotFoundError, StoreError } from '../errors.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import type { Database } from '../postgres/database.ts';
import type { ServerContext } from '../restore/databases/server-context.ts';
import { readAhead } from '../s3/read-ahead.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import { type ByteTools, checkBytes } from './check-bytes.ts';
import { addMediaList } from './check-media-list.ts';
import { brokenFault, checkObject, faulty, lossFault } from './check-object.ts';
import type { Evidence, Verification } from './evidence.ts';
import { recordCheck } from './record-check.ts';

/** What verifying backups needs. */
export interface VerifyContext extends Catalog, ClientTools, ByteTools, Pick<ServerContext, 'stop'> {
  /** Name and version of this program. */
  readonly tool: string;
  readonly now: () => Date;
  readonly log: Logger;
  /** The server for the restore drill; needed for the depth `restore`. */
  readonly drillDatabase?: Database | undefined;
}

/**
 * Checks one backup and records the result beside it. A fault is a result, not an error.
 *
 * @throws StoreError, DatabaseError, DumpError or RestoreError if the backup cannot be checked, or the signal's
 * reason
 */
export async function verifyBackup(
  context: VerifyContext,
  backup: Backup<Manifest>,
  depth: Depth,
  signal: AbortSignal,
): Promise<Verification> {
  const { foundBy = depth, ...evidence } = await check(context, backup, depth, signal);
  const verification = { id: backup.id, depth: foundBy, ...evidence };
  await recordCheck(context, backup, verification, signal);
  return verification;
}

async function check(
  context: VerifyContext,
  backup: Backup<Manifest>,
  depth: Depth,
  signal: AbortSignal,
): Promise<Evidence> {
  // Nothing is recorded about bytes that differ from one reading to the next.
  if (backup.state === 'broken' && backup.unproven) throw unproven(backup);
  if (depth === 'quick') return checkObject(context.store, backup, signal);
  // None of its bytes is read.
  if (backup.state === 'broken') return { ...faulty(brokenFault(backup)), foundBy: 'quick' };
  // What cannot be unpacked here may still be good.
  if (backup.dump.compression === 'zstd') throw unknownForm(backup.dump.key);
  const source = verifySource(context, backup);
  try {
    const evidence = await (depth === 'full'
      ? checkBytes(source, context, signal)
      : restoreAndDump(context, source, signal));
    return await addMediaList(context, backup, evidence, signal);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    // A server may say so once of an object that it has; and others than the dump may be missing.
    if (await isReadable(context.store, backup.dump.key, signal)) throw error;
    if (await isDeleted(context.store, backup, signal))
      throw deletedMeanwhile(`cannot verify backup ${backup.id}`);
    return { ...faulty(lossFault(backup)), foundBy: 'full' };
  }
}

/** A server that has lost an object, or some of its bytes, may still list it and answer when it is looked up. */
async function isReadable(store: Store, key: string, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const _ of readObject(store, key, { signal }));
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

async function restoreAndDump(
  context: VerifyContext,
  source: DumpSource,
  signal: AbortSignal,
): Promise<Evidence> {
  const { drillDatabase: database } = context;
  if (database === undefined) throw new Error('there is no server to restore the backup on');
  // Imported only here, because it loads everything that a restore needs.
  const { drill } = await import('./drill.ts');
  return drill({ ...context, database }, source, signal);
}

function unproven({ id, fault }: BrokenBackup): StoreError {
  return new StoreError({
    doing: `cannot verify backup ${id}`,
    problem: fault,
    remedy: 'fix that and verify again',
  });
}

function unknownForm(key: string): DumpError {
  return new DumpError({
    doing: `cannot verify ${key}`,
    problem: ZSTD.found,
    remedy:
      'verify it with --quick, or decompress it with zstd -d and give the .sql to `topobank-backup push`',
  });
}

/** The dump as `restore` reads it, but with several requests at a time. */
function verifySource(context: VerifyContext, backup: UsableBackup<Manifest>): DumpSource {
  const { store, binDir, env } = context;
  const { key, bytes: listedBytes } = backup.dump;
  return {
    ...backupSource(store, backup, { binDir, env }),
    read: (signal) =>
      readPlainDump(readAhead(store, key, { listedBytes, signal }), { name: key, binDir, env, signal }),
  };
}
