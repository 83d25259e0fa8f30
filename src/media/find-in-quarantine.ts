import type { MediaObject } from '../catalog/media-manifest.ts';
import { runPrefix } from '../quarantine/names.ts';
import type { OriginalEtags } from '../quarantine/original-etags.ts';
import { bringBack } from '../quarantine/restore-run.ts';
import { compareWithRecorded } from '../s3/object-identity.ts';
import { LONGEST_KEY, type Store, type StoredObject } from '../s3/store.ts';

/** The runs of a quarantine, as they are searched for what backups lack. */
export interface SearchedQuarantine {
  readonly store: Store;
  /** Prefix of the quarantine, with its slash. */
  readonly prefix: string;
  /** Names of its runs, the newest first. */
  readonly runs: readonly string[];
}

/** What a run holds of a key. */
export interface CopyInRun {
  readonly run: string;
  readonly found: StoredObject;
}

/**
 * Looks for what was moved into the quarantine from an object's place, the newest run first.
 *
 * @returns copies of its size; one that has the recorded ETag is the last of them, for beyond it none is looked for
 * @throws StoreError, or the signal's reason
 */
export async function findCopies(
  { store, prefix, runs }: SearchedQuarantine,
  entry: MediaObject,
  signal: AbortSignal,
): Promise<readonly CopyInRun[]> {
  const copies: CopyInRun[] = [];
  for (const run of runs) {
    const found = await headInRun(store, prefix, run, entry.key, signal);
    if (found?.bytes !== entry.bytes) continue;
    copies.push({ run, found });
    if (found.etag === entry.etag) break;
  }
  return copies;
}

/** What is known of the copies of an object. */
export interface JudgedCopies {
  /** The one that is known to be of it. */
  readonly proven: CopyInRun | undefined;
  /** Else those that may be, the newest first. */
  readonly possible: readonly CopyInRun[];
}

/**
 * Judges what {@link findCopies} has found. A copy is of the object if it has the recorded ETag, or the journal says that
 * what was moved had; where the journal says another one, it is of an object that was written in its place since. Size
 * alone would take that.
 *
 * @param originals is asked of one key after the other in the order of their bytes
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

/** @param etag of what was moved; where it is encrypted, it may have got another one by being moved before */
function isOther(entry: MediaObject, { found }: CopyInRun, etag: string): boolean {
  return !found.hidesMd5 && compareWithRecorded(entry, { bytes: found.bytes, etag }) === 'changed';
}

/**
 * Brings a copy back to its object's place.
 *
 * @returns why it cannot be; undefined once it is there, or would be
 * @throws StoreError, or the signal's reason
 */
export async function takeFromQuarantine(
  store: Store,
  { found }: CopyInRun,
  key: string,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (dryRun) return undefined;
  const outcome = await bringBack(store, { ...found, original: key }, signal);
  if (outcome.kind === 'refused') return outcome.reason;
  if (outcome.kind === 'back') await store.remove([found.key], signal);
  return undefined;
}

/**
 * Looks for what was last moved into the quarantine from a key, whatever it was; undefined where no run has any.
 *
 * @throws StoreError, or the signal's reason
 */
export async function findNewest(
  { store, prefix, runs }: SearchedQuarantine,
  key: string,
  signal: AbortSignal,
): Promise<CopyInRun | undefined> {
  for (const run of runs) {
    const found = await headInRun(store, prefix, run, key, signal);
    if (found !== undefined) return { run, found };
  }
  return undefined;
}

/** What no run can hold is not asked for. */
async function headInRun(
  store: Store,
  prefix: string,
  run: string,
  key: string,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const held = `${runPrefix(prefix, run)}${key}`;
  return Buffer.byteLength(held) > LONGEST_KEY ? undefined : store.head(held, signal);
}

/**
 * Its place may have held another object of that size: whether it is this one, only people can tell.
 *
 * @param possible the newest first
 */
export function describeUnproven(possible: readonly [CopyInRun, ...CopyInRun[]], key: string): string {
  const [{ run }, ...older] = possible;
  const others =
    older.length === 0 ? '' : `; it may also be in run ${older.map((copy) => copy.run).join(', ')}`;
  return `quarantine has an object with its key and size but a different ETag (encrypted, multipart, or a different object); ${describeReturn(run, key)}${others}`;
}

/** The backup recorded nothing of it that could be compared. */
export function describeMissedBefore({ run }: CopyInRun, key: string): string {
  return `it was already missing when the backup was taken, but quarantine has an object with its key; ${describeReturn(run, key)}`;
}

/** How people bring an object of a run back. */
function describeReturn(run: string, key: string): string {
  return `\`topobank-backup quarantine restore ${run} --key ${shellWord(key)}\` restores it`;
}

/** As a POSIX shell takes it for one word, whatever an application has named its objects. */
function shellWord(text: string): string {
  return /^[\w./@%+:,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
