import type { MediaFault } from '../audit/compare-media.ts';
import type { Backup } from '../catalog/backup.ts';
import type { MediaObject } from '../catalog/media-manifest.ts';
import { StoreError } from '../errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { tellingCutOff } from '../quarantine/cut-off.ts';
import { COPIES } from '../quarantine/move-object.ts';
import { type ObjectFailures, tolerateFailures } from '../quarantine/object-failures.ts';
import { type OriginalEtags, openOriginalEtags } from '../quarantine/original-etags.ts';
import { listRuns } from '../quarantine/runs.ts';
import { answerOf } from '../s3/errors.ts';
import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import { checkMedia, type MediaCheckContext } from './check-media.ts';
import {
  type CopyInRun,
  describeMissedBefore,
  describeUnproven,
  findCopies,
  findNewest,
  type JudgedCopies,
  judgeCopies,
  type SearchedQuarantine,
  takeFromQuarantine,
} from './find-in-quarantine.ts';
import { takeVersion } from './take-version.ts';

export interface MediaRestoreContext extends MediaCheckContext {
  readonly quarantinePrefix: string;
  readonly log: Logger;
}

/** A missing object that is in its place again, or would be. */
interface RestoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly from: 'quarantine' | 'version';
}

/** What became of a missing object. */
type MediaOutcome = RestoredObject | LostObject;

/** An object that cannot be brought back. */
interface LostObject {
  readonly key: string;
  /** Null if its size is unknown. */
  readonly bytes: number | null;
  readonly from: 'nowhere';
  /** Why it cannot be brought back. */
  readonly reason: string;
}

/** An object that has been overwritten since: the size in bytes of what was recorded, and of what is there now. */
interface ChangedObject {
  readonly key: string;
  readonly recorded: number;
  readonly present: number;
}

/** What became of the media of a backup. Sizes are bytes. */
export interface MediaRestored {
  /** Id of the backup. */
  readonly backup: string;
  /** Whether this is what would happen, and nothing was done. */
  readonly dryRun: boolean;
  readonly restored: { readonly count: number; readonly bytes: number };
  /**
   * Missing objects that were not restored; also what the quarantine has, or may have, for keys that had no object
   * when the backup was taken.
   */
  readonly lost: readonly LostObject[];
  /** Objects that differ from those recorded. They are left alone, because somebody has written them. */
  readonly changed: readonly ChangedObject[];
  /** Keys of objects whose ETags do not show whether they have changed, see {@link checkMedia}. Also left alone. */
  readonly untold: readonly string[];
  /** Keys that had no object when the backup was taken and still have none, neither in place nor in quarantine. */
  readonly neverThere: number;
}

/**
 * Brings back the missing media of a backup: from the quarantine, or else from the recorded version. No object data
 * passes through here, and no key receives anything that is not proven to be its object.
 *
 * @throws NotFoundError for a backup without a list of media, DumpError, StoreError, or the signal's reason
 */
export async function restoreMedia(
  context: MediaRestoreContext,
  backup: Backup,
  { dryRun }: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<MediaRestored> {
  const { store, quarantinePrefix: prefix, log } = context;
  const runs = (await listRuns(store, prefix, signal)).map(({ run }) => run).reverse();
  const originals = openOriginalEtags(context, prefix, signal);
  const failures = tolerateFailures();
  const restored = { count: 0, bytes: 0 };
  const onRestored = ({ key, bytes, from }: RestoredObject) => {
    restored.count += 1;
    restored.bytes += bytes;
    log.debug(`${dryRun ? 'would restore' : 'restored'} ${key} from its ${from}`);
  };
  const sources: Sources = { store, prefix, runs, originals, failures, onRestored };
  const lost: LostObject[] = [];
  const untold: string[] = [];
  const changed: ChangedObject[] = [];
  let neverThere = 0;
  const describeCutOff = (objects: string) =>
    `${objects} of backup ${backup.id} are back in place; run it again for the rest`;
  const restoreAll = async (begin: () => void) => {
    for await (const faults of checkMedia(context, backup, (key) => untold.push(key), signal)) {
      changed.push(...faults.flatMap(changedObject));
      const missing = faults.flatMap((fault) => (fault.kind === 'missing' ? [fault.entry] : []));
      const absent = faults.flatMap((fault) => (fault.kind === 'never there' ? [fault.key] : []));
      if (missing.length > 0 && !dryRun) begin();
      lost.push(...(await bringBatchBack(sources, missing, dryRun, signal)));
      const held = await findMissedBefore(sources, absent, signal);
      lost.push(...held);
      neverThere += absent.length - held.length;
    }
  };
  try {
    await tellingCutOff(log, restored, describeCutOff, restoreAll);
  } finally {
    await originals.close();
  }
  return { backup: backup.id, dryRun, restored, lost, changed, untold, neverThere };
}

function changedObject(fault: MediaFault): ChangedObject[] {
  if (fault.kind !== 'changed') return [];
  return [{ key: fault.entry.key, recorded: fault.entry.bytes, present: fault.object.bytes }];
}

/** Where media are brought back from. */
interface Sources extends SearchedQuarantine {
  readonly originals: OriginalEtags;
  readonly failures: ObjectFailures;
  readonly onRestored: (object: RestoredObject) => void;
}

/**
 * @param missing in the order of the keys' bytes, because the journals are read in that order
 * @returns those that cannot be brought back
 */
async function bringBatchBack(
  sources: Sources,
  missing: readonly MediaObject[],
  dryRun: boolean,
  signal: AbortSignal,
): Promise<readonly LostObject[]> {
  const { store, originals, failures, onRestored } = sources;
  const found = await mapConcurrently(missing, COPIES, async (entry) => ({
    entry,
    looked: await failures.attempt(() => findCopies(sources, entry, signal)),
  }));
  const sought: (SoughtObject | LostObject)[] = [];
  for (const { entry, looked } of found) {
    sought.push(
      looked.kind === 'done'
        ? { entry, copies: looked.result, ...(await judgeCopies(looked.result, entry, originals)) }
        : lostFor(entry, looked.reason),
    );
  }
  const outcomes = await mapConcurrently(sought, COPIES, async (object) => {
    if (!('entry' in object)) return object;
    const brought = await failures.attempt(() => bringObjectBack(store, object, dryRun, signal));
    const outcome = brought.kind === 'done' ? brought.result : lostFor(object.entry, brought.reason);
    if (outcome.from !== 'nowhere') onRestored(outcome);
    return outcome;
  });
  return outcomes.filter((outcome) => outcome.from === 'nowhere');
}

function lostFor({ key, bytes }: MediaObject, reason: string): LostObject {
  return { key, bytes, from: 'nowhere', reason };
}

/**
 * @returns what the quarantine has for keys that had no object when the backup was taken, for people to judge; also
 * keys for which the server fails
 */
async function findMissedBefore(
  sources: Sources,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly LostObject[]> {
  const found = await mapConcurrently(keys, COPIES, async (key) => ({
    key,
    looked: await sources.failures.attempt(() => findNewest(sources, key, signal).catch(exceptNoKey)),
  }));
  return found.flatMap(({ key, looked }): LostObject[] => {
    if (looked.kind === 'failed') return [{ key, bytes: null, from: 'nowhere', reason: looked.reason }];
    if (looked.result === undefined) return [];
    const { bytes } = looked.result.found;
    return [{ key, bytes, from: 'nowhere', reason: describeMissedBefore(looked.result, key) }];
  });
}

/**
 * A row may name what no server accepts as a key, so no object can have it. A response to HEAD has a status and no
 * code.
 */
function exceptNoKey(error: unknown): undefined {
  const { status } = answerOf(error instanceof StoreError ? error.cause : undefined);
  if (status !== 400 && status !== 414) throw error;
}

/** A missing object, and what the quarantine has of its key and size. */
interface SoughtObject extends JudgedCopies {
  readonly entry: MediaObject;
  readonly copies: readonly CopyInRun[];
}

async function bringObjectBack(
  store: Store,
  { entry, copies, proven, possible: [newest, ...older] }: SoughtObject,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<MediaOutcome> {
  const { key, bytes, versionId } = entry;
  let reason =
    copies.length === 0
      ? 'it is not in quarantine, and there is no version of it'
      : 'quarantine has a different object of the same size, and there is no version of it';
  if (proven !== undefined) {
    const refusal = await takeFromQuarantine(store, proven, key, dryRun, signal);
    if (refusal === undefined) return { key, bytes, from: 'quarantine' };
    reason = refusal;
  }
  if (versionId !== undefined) {
    const refusal = await takeVersion(store, { ...entry, versionId }, dryRun, signal);
    if (refusal === undefined) return { key, bytes, from: 'version' };
    reason = refusal;
  }
  if (newest !== undefined) reason = describeUnproven([newest, ...older], key);
  return lostFor(entry, reason);
}
