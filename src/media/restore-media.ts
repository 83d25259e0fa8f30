import pLimit from 'p-limit';
import type { Backup } from '../catalog/catalog.ts';
import type { MediaObject } from '../catalog/media-manifest.ts';
import { COPIES } from '../quarantine/move-object.ts';
import { runPrefix } from '../quarantine/names.ts';
import { bringBack } from '../quarantine/restore-run.ts';
import { listRuns } from '../quarantine/runs.ts';
import { isSame, mayBeCopy } from '../s3/object-identity.ts';
import type { Store, StoredObject } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import { checkMedia, type MediaCheckContext } from './check-media.ts';

export interface MediaRestoreContext extends MediaCheckContext {
  readonly quarantinePrefix: string;
  readonly log: Logger;
}

/** What became of an object that is missing, or is another than it was. */
interface MediaOutcome {
  readonly key: string;
  readonly bytes: number;
  /** Where it came from; `nowhere` for what cannot be brought back. */
  readonly from: 'quarantine' | 'version' | 'nowhere';
  /** Why it cannot be brought back. */
  readonly reason?: string;
}

/** What became of the media of a backup. Sizes are bytes. */
export interface MediaRestored {
  /** Its id. */
  readonly backup: string;
  /** So it would be, and nothing was done. */
  readonly dryRun: boolean;
  readonly restored: { readonly count: number; readonly bytes: number };
  /** Of those that were missing. */
  readonly lost: readonly MediaOutcome[];
  /** Objects that are others than they were. They are left alone: somebody has written them. */
  readonly changed: number;
  /** Keys that had no object when the backup was taken, and have none. */
  readonly neverThere: number;
}

/**
 * Brings the media of a backup that are missing back: from the quarantine, else from the version that was recorded. No
 * byte passes through here.
 *
 * @throws NotFoundError for a backup without a list of media, DumpError, StoreError, or the signal's reason
 */
export async function restoreMedia(
  context: MediaRestoreContext,
  backup: Backup,
  { dryRun }: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<MediaRestored> {
  const { store, quarantinePrefix, log } = context;
  const runs = (await listRuns(store, quarantinePrefix, signal)).map(({ run }) => run).reverse();
  const limit = pLimit(COPIES);
  const restored = { count: 0, bytes: 0 };
  const lost: MediaOutcome[] = [];
  let changed = 0;
  let neverThere = 0;
  for await (const faults of checkMedia(context, backup, signal)) {
    changed += faults.filter(({ kind }) => kind === 'changed').length;
    neverThere += faults.filter(({ kind }) => kind === 'never there').length;
    const missing = faults.flatMap((fault) => (fault.kind === 'missing' ? [fault.entry] : []));
    const outcomes = await Promise.all(
      missing.map((entry) =>
        limit(async () => {
          const { exact, others } = await findInQuarantine(store, quarantinePrefix, runs, entry, signal);
          const likely = others.find(({ found }) => isSame(found, entry))?.found;
          const unproven = others.find(({ found }) => !isSame(found, entry));
          const sources = [
            () => fromQuarantine(store, exact, entry, dryRun, signal),
            () => fromVersion(store, entry, dryRun, signal),
            () => fromQuarantine(store, likely, entry, dryRun, signal),
            async () => unproven && describeUnproven(unproven, entry),
          ];
          return tryEach(entry, sources);
        }),
      ),
    );
    for (const outcome of outcomes) {
      if (outcome.from === 'nowhere') {
        lost.push(outcome);
        continue;
      }
      restored.count += 1;
      restored.bytes += outcome.bytes;
      log.debug(`${dryRun ? 'would bring' : 'brought'} ${outcome.key} back from its ${outcome.from}`);
    }
  }
  return { backup: backup.id, dryRun, restored, lost, changed, neverThere };
}

/** How an object fared with one source: brought back from it, not there, or there and not to be had. */
type Attempt = { readonly from: 'quarantine' | 'version' } | { readonly reason: string } | undefined;

async function tryEach(
  { key, bytes }: MediaObject,
  sources: readonly (() => Promise<Attempt>)[],
): Promise<MediaOutcome> {
  let reason = 'it is not in quarantine, and there is no version of it';
  for (const source of sources) {
    const attempt = await source();
    if (attempt === undefined) continue;
    if ('from' in attempt) return { key, bytes, from: attempt.from };
    reason = attempt.reason;
  }
  return { key, bytes, from: 'nowhere', reason };
}

interface CopyInRun {
  readonly run: string;
  readonly found: StoredObject;
}

/**
 * Looks for what was moved into the quarantine from an object's place, the newest run first.
 *
 * @returns the one that has the recorded ETag, beyond which none is looked for, and before it those of its size: where
 *   the encryption of one of them makes its ETag say nothing, they may be the object
 */
async function findInQuarantine(
  store: Store,
  prefix: string,
  runs: readonly string[],
  entry: MediaObject,
  signal: AbortSignal,
): Promise<{ readonly exact?: StoredObject; readonly others: readonly CopyInRun[] }> {
  const others: CopyInRun[] = [];
  for (const run of runs) {
    const found = await store.head(`${runPrefix(prefix, run)}${entry.key}`, signal);
    if (found?.bytes !== entry.bytes) continue;
    if (found.etag === entry.etag) return { exact: found, others };
    others.push({ run, found });
  }
  return { others };
}

async function fromQuarantine(
  store: Store,
  found: StoredObject | undefined,
  { key }: MediaObject,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<Attempt> {
  if (found === undefined) return undefined;
  if (dryRun) return { from: 'quarantine' };
  const outcome = await bringBack(store, { ...found, original: key }, signal);
  if (outcome.kind === 'refused') return outcome;
  if (outcome.kind === 'back') await store.remove([found.key], signal);
  return { from: 'quarantine' };
}

/** Its place may have held another object of that size: whether it is this one, only people can tell. */
function describeUnproven({ run }: CopyInRun, { key }: MediaObject): Attempt {
  return {
    reason: `an object of its size and key is in quarantine, with another ETag, as of what is encrypted or another object; \`topobank-backup quarantine restore ${run} --key ${shellWord(key)}\` brings it back`,
  };
}

/** As a POSIX shell takes it for one word, whatever an application has named its objects. */
function shellWord(text: string): string {
  return /^[\w./@%+:,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

async function fromVersion(
  store: Store,
  entry: MediaObject,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<Attempt> {
  const { key, versionId } = entry;
  if (versionId === undefined) return undefined;
  const found = await store.headVersion(key, versionId, signal);
  if (found === undefined) return { reason: `its version ${versionId} is gone` };
  // Of a bucket that keeps versions no longer, the one without an id is written over.
  if (!isSame(found, entry)) return { reason: `its version ${versionId} is another object by now` };
  if (dryRun) return { from: 'version' };
  // The bucket was listed a while ago.
  const present = await store.head(key, signal);
  if (present !== undefined) {
    return isSame(present, found) ? { from: 'version' } : { reason: 'another object has its key' };
  }
  if (!(await store.copy({ key, versionId, etag: found.etag }, key, signal)))
    return { reason: `its version ${versionId} cannot be copied` };
  const copy = await store.head(key, signal);
  if (copy === undefined) return { reason: `the copy of its version ${versionId} is gone again` };
  if (mayBeCopy(found, copy)) return { from: 'version' };
  // It may be another writer's, so it stays.
  return { reason: `another object has come to its place since its version ${versionId} was copied there` };
}
