import type { MediaObject } from '../catalog/media-manifest.ts';
import type { StoreError } from '../errors.ts';
import { isOfOneObject, MOST_IN_A_ROW } from '../quarantine/object-failures.ts';
import type { OriginalEtags } from '../quarantine/original-etags.ts';
import { type Quarantine, runPrefix } from '../quarantine/quarantine-keys.ts';
import { bringBack } from '../quarantine/restore-run.ts';
import { compareWithRecorded } from '../s3/object-identity.ts';
import { removeAllowed } from '../s3/remove-allowed.ts';
import { LONGEST_KEY, type Store, type StoredObject } from '../s3/store.ts';
import { shellWord } from '../ui/shell-word.ts';

/** A quarantine whose runs are searched for what backups lack. */
export interface SearchedQuarantine extends Quarantine {
  /** Names of its runs, newest first. */
  readonly runs: readonly string[];
}

/** What a run holds for a key. */
export interface CopyInRun {
  readonly run: string;
  readonly found: StoredObject;
}

/**
 * Looks for what was moved into the quarantine from an object's key, newest run first.
 *
 * @returns the copies of its size; the search ends at the first one with the recorded ETag, which is then the last
 * @throws StoreError, or the signal's reason
 */
export async function findCopies(
  quarantine: SearchedQuarantine,
  entry: MediaObject,
  signal: AbortSignal,
): Promise<readonly CopyInRun[]> {
  const copies: CopyInRun[] = [];
  for (const run of quarantine.runs) {
    const found = await headInRun(quarantine, run, entry.key, signal);
    if (found?.bytes !== entry.bytes) continue;
    copies.push({ run, found });
    if (found.etag === entry.etag) break;
  }
  return copies;
}

/** What is known about the copies of an object. */
export interface JudgedCopies {
  /** The copy that is known to be of the object. */
  readonly proven: CopyInRun | undefined;
  /** Without a proven one, the copies that may be of the object, newest first. */
  readonly possible: readonly CopyInRun[];
}

/**
 * Judges what {@link findCopies} has found. A copy is of the object if it has the recorded ETag, or if the journal
 * says that the moved object had it. If the journal gives a different ETag, the copy is of an object written in its
 * place since, which size alone would not reveal.
 *
 * @param originals is asked for keys in the order of their bytes
 * @throws StoreError, or the signal's reason
 */
export async function judgeCopies(
  copies: readonly CopyInRun[],
  entry: MediaObject,
  originals: OriginalEtags,
): Promise<JudgedCopies> {
  const last = copies.at(-1);
  if (last?.found.etag === entry.etag) return { proven: last, possible: [] };
  const possible: CopyInRun[] = [];
  for (const copy of copies) {
    const etag = await originals.of(copy.run, entry.key);
    if (etag === entry.etag) return { proven: copy, possible: [] };
    if (etag === undefined || !isOther(entry, copy, etag)) possible.push(copy);
  }
  return { proven: undefined, possible };
}

/** @param etag that of the moved object; if it is encrypted, an earlier move may have changed its ETag */
function isOther(entry: MediaObject, { found }: CopyInRun, etag: string): boolean {
  return !found.hidesMd5 && compareWithRecorded(entry, { bytes: found.bytes, etag }) === 'changed';
}

/**
 * Brings a copy back to its object's key.
 *
 * @param removeCopy deletes the copy once the object is there
 * @returns why this is impossible; undefined once the object is there
 * @throws StoreError, or the signal's reason
 */
export async function takeFromQuarantine(
  store: Store,
  { found }: CopyInRun,
  key: string,
  removeCopy: RemoveCopy,
  signal: AbortSignal,
): Promise<string | undefined> {
  const outcome = await bringBack(store, { ...found, original: key }, signal);
  if (outcome.kind === 'refused') return outcome.reason;
  if (outcome.kind === 'back') await removeCopy(found.key, signal);
  return undefined;
}

/**
 * Deletes the copy of an object that is back in its place.
 *
 * @throws StoreError about the caller or the bucket, or the signal's reason
 */
export type RemoveCopy = (key: string, signal: AbortSignal) => Promise<void>;

/**
 * Deletes copies until the server has failed over so many in a row that it is taken to fail for all: each failure may take
 * as long as S3_WAIT, and it is the objects that matter.
 *
 * @param onKept receives why a copy stays, which is no reason to leave others there
 */
export function copyRemover(store: Store, onKept: (failure: StoreError) => void): RemoveCopy {
  let inARow = 0;
  let last: StoreError | undefined;
  return async (key, signal) => {
    if (last !== undefined && inARow >= MOST_IN_A_ROW) return onKept(last);
    try {
      const refusal = await removeAllowed(store, [key], signal);
      inARow = 0;
      if (refusal !== undefined) onKept(refusal);
    } catch (error) {
      if (!isOfOneObject(error)) throw error;
      inARow += 1;
      last = error;
      onKept(error);
    }
  };
}

/**
 * Looks for what was last moved into the quarantine from a key, whatever it was; undefined if no run has anything.
 *
 * @throws StoreError, or the signal's reason
 */
export async function findNewestCopy(
  quarantine: SearchedQuarantine,
  key: string,
  signal: AbortSignal,
): Promise<CopyInRun | undefined> {
  for (const run of quarantine.runs) {
    const found = await headInRun(quarantine, run, key, signal);
    if (found !== undefined) return { run, found };
  }
  return undefined;
}

/** Does not ask for a key that is too long to exist in any run. */
async function headInRun(
  { store, quarantinePrefix }: Quarantine,
  run: string,
  key: string,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const held = `${runPrefix(quarantinePrefix, run)}${key}`;
  return Buffer.byteLength(held) > LONGEST_KEY ? undefined : store.head(held, signal);
}

/** Says that a copy is unproven: another object of that size may have had the key, which only a person can decide. */
export function describeUnproven(possible: readonly [CopyInRun, ...CopyInRun[]], key: string): string {
  const [{ run }, ...older] = possible;
  const others =
    older.length === 0 ? '' : `; it may also be in run ${older.map((copy) => copy.run).join(', ')}`;
  return `quarantine has an object with its key and size but a different ETag (encrypted, multipart, or a different object); ${describeReturn(run, key)}${others}`;
}

/** Says that quarantine has something for a key of which the backup recorded nothing to compare with. */
export function describeMissedBefore({ run }: CopyInRun, key: string): string {
  return `it was already missing when the backup was taken, but quarantine has an object with its key; ${describeReturn(run, key)}`;
}

/** Says how people can bring an object of a run back. */
function describeReturn(run: string, key: string): string {
  return `\`topobank-backup quarantine restore ${run} --key ${shellWord(key)}\` restores it`;
}
