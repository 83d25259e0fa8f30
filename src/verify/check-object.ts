import type { Backup, BrokenBackup, UsableBackup } from '../catalog/backup.ts';
import { lookUpDump } from '../catalog/catalog.ts';
import { deletedMeanwhile } from '../catalog/choose-backup.ts';
import type { Fault, VerificationRecord } from '../catalog/verification.ts';
import type { Store, StoredObject } from '../s3/store.ts';
import { formatBytes } from '../ui/format.ts';
import { type Evidence, NOTHING_CHECKED } from './evidence.ts';

/** What is wrong with a backup that the catalog calls broken. */
export function brokenFault(backup: BrokenBackup): Fault {
  const { dump, manifest, companions, fault } = backup;
  if (manifest === undefined || manifest.id !== backup.id) {
    const where = companions.at(-1)?.key ?? '';
    return { what: 'manifest', where, expected: `a manifest of backup ${backup.id}`, found: fault };
  }
  return objectFault(manifest.key, manifest.storedBytes, dump);
}

/**
 * The shallowest check: what the server says of the object, without reading the object.
 *
 * @throws NotFoundError if the backup was deleted after it was listed, StoreError, or the signal's reason
 */
export async function checkObject(store: Store, backup: Backup, signal: AbortSignal): Promise<Evidence> {
  if (backup.state === 'broken') return faulty(brokenFault(backup));
  const { dump, manifest, verified } = backup;
  const object = await lookUpDump(store, backup, signal);
  if (object === 'deleted') throw deletedMeanwhile(`cannot verify backup ${backup.id}`);
  if (object === 'lost') return faulty(lossFault(backup));
  const expected = manifest?.storedBytes ?? dump.bytes;
  if (object.bytes !== expected) return faulty(objectFault(dump.key, expected, object));
  const size = `${formatBytes(expected)} (${expected} bytes)`;
  if (manifest === undefined) {
    return good(
      `the object exists and has ${size}`,
      'that these are all its bytes: it has no manifest; verify without --quick to look for its end',
    );
  }
  // Some proxies drop the ETag; then it is not known to differ.
  const etags = object.etag === '' ? [] : knownEtags(manifest.etag, verified);
  if (etags.length > 0 && !etags.includes(object.etag)) {
    const said = { expected: `the ETag ${etags.join(' or ')}`, found: `${object.etag}, as after a copy` };
    return faulty({ what: 'object', where: dump.key, ...said });
  }
  const etag = etags.length > 0 ? ', and the ETag recorded when it was written or read' : '';
  return good(
    `the object exists and has the ${size} recorded in its manifest${etag}`,
    'that its bytes are those that were written; verify without --quick to read them',
  );
}

/** What is wrong with a backup whose dump the server lists, but does not have when it is read. */
export function lossFault({ dump, manifest }: UsableBackup): Fault {
  return objectFault(dump.key, manifest?.storedBytes ?? dump.bytes, undefined);
}

/** The ETag of the object as written, and the one it had when its bytes were last read and proved. */
function knownEtags(written: string | undefined, record: VerificationRecord | undefined): string[] {
  const read = record?.checks.some(({ depth, ok }) => depth !== 'quick' && ok) ? record.etag : undefined;
  return [...new Set([written, read].filter((etag) => etag !== undefined))];
}

function objectFault(key: string, expected: number, object: Pick<StoredObject, 'bytes'> | undefined): Fault {
  const found = object === undefined ? 'no object' : `${object.bytes} bytes`;
  return { what: 'object', where: key, expected: `${expected} bytes`, found };
}

function good(proved: string, unproved: string): Evidence {
  return { checked: NOTHING_CHECKED, faults: [], proved, unproved };
}

/** A fault after which nothing else is checked. */
export function faulty(fault: Fault): Evidence {
  return { checked: NOTHING_CHECKED, faults: [fault], proved: '', unproved: '' };
}
