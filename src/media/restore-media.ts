import type { Backup } from '../catalog/backup.ts';
import { lacksRows, type MediaObject } from '../catalog/media-manifest.ts';
import { StoreError } from '../errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { tellingCutOff } from '../quarantine/cut-off.ts';
import { COPIES } from '../quarantine/move-object.ts';
import { type ObjectFailures, tolerateFailures } from '../quarantine/object-failures.ts';
import { type OriginalEtags, openOriginalEtags } from '../quarantine/original-etags.ts';
import type { Quarantine } from '../quarantine/quarantine-keys.ts';
import { listRuns } from '../quarantine/runs.ts';
import { answerOf } from '../s3/errors.ts';
import { formatNumber } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import { type MediaCheckContext, mediaFaults } from './check-media.ts';
import {
  type CopyInRun,
  copyRemover,
  describeMissedBefore,
  describeUnproven,
  findCopies,
  findNewestCopy,
  type JudgedCopies,
  judgeCopies,
  type RemoveCopy,
  type SearchedQuarantine,
  takeFromQuarantine,
} from './find-in-quarantine.ts';
import {
  countFindings,
  findingOf,
  type MediaFinding,
  type MediaFindingSink,
  type MediaTotals,
} from './media-finding.ts';
import { takeVersion } from './take-version.ts';

/** What bringing a backup’s media back needs. */
export interface MediaRestoreContext extends MediaCheckContext, Quarantine {
  readonly log: Logger;
}

/** A missing object that is in its place again, or would be. */
interface RestoredObject {
  readonly kind: 'restored';
  readonly key: string;
  readonly bytes: number;
  readonly from: 'quarantine' | 'version';
}

/** What became of a missing object. */
type MediaOutcome = RestoredObject | LostObject;

type LostObject = Extract<MediaFinding, { readonly kind: 'lost' }>;

/** What became of the media of a backup. Sizes are bytes. */
export interface MediaRestored {
  /** Id of the backup. */
  readonly backup: string;
  /** As for the check. */
  readonly listComplete: boolean;
  /** Whether this is what would happen, and nothing was done. */
  readonly dryRun: boolean;
  readonly restored: { readonly count: number; readonly bytes: number };
  /** What is missing has been restored or is lost. */
  readonly totals: Omit<MediaTotals, 'missing'>;
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
  sink: MediaFindingSink,
  signal: AbortSignal,
): Promise<MediaRestored> {
  const { store, log } = context;
  const runs = (await listRuns(context, signal)).map(({ run }) => run).reverse();
  const originals = openOriginalEtags(context, log, signal);
  const failures = tolerateFailures();
  const restored = { count: 0, bytes: 0 };
  const onRestored = ({ key, bytes, from }: RestoredObject) => {
    restored.count += 1;
    restored.bytes += bytes;
    log.debug(`${dryRun ? 'would restore' : 'restored'} ${key} from its ${from}`);
  };
  const kept: { count: number; first?: StoreError } = { count: 0 };
  const removeCopy = copyRemover(store, (failure) => {
    kept.count += 1;
    kept.first ??= failure;
  });
  const sources: Sources = { ...context, runs, originals, failures, dryRun, onRestored, removeCopy };
  const findings = countFindings(sink);
  const describeCutOff = (objects: string) =>
    `${objects} of backup ${backup.id} are back in place; run it again for the rest`;
  const restoreAll = async (begin: () => void) => {
    for await (const faults of mediaFaults(context, backup, signal)) {
      const missing = faults.flatMap((fault) => (fault.kind === 'missing' ? [fault.entry] : []));
      const absent = faults.flatMap((fault) => (fault.kind === 'never there' ? [fault.key] : []));
      if (missing.length > 0 && !dryRun) begin();
      const lost = await bringBatchBack(sources, missing, signal);
      const soughtBefore = await seekMissedBefore(sources, absent, signal);
      const inPlace = faults.filter(({ kind }) => kind === 'changed' || kind === 'untold');
      await findings.write([...inPlace.map(findingOf), ...lost, ...soughtBefore]);
    }
  };
  try {
    await tellingCutOff(log, restored, describeCutOff, restoreAll);
  } finally {
    await originals.close();
  }
  if (kept.first !== undefined) {
    const restoredTwice = formatNumber(kept.count, 'object');
    log.warn(`restored, but still in quarantine too: ${restoredTwice}; ${kept.first.message}`);
  }
  const { missing: _, ...totals } = findings.totals;
  return { backup: backup.id, listComplete: !lacksRows(backup.manifest?.media), dryRun, restored, totals };
}

/** Where media are brought back from. */
interface Sources extends SearchedQuarantine {
  readonly originals: OriginalEtags;
  readonly failures: ObjectFailures;
  /** Whether nothing is to be done, only found out. */
  readonly dryRun: boolean;
  readonly onRestored: (object: RestoredObject) => void;
  readonly removeCopy: RemoveCopy;
}

/**
 * @param missing in the order of the keys' bytes, because the journals are read in that order
 * @returns those that cannot be brought back
 */
async function bringBatchBack(
  sources: Sources,
  missing: readonly MediaObject[],
  signal: AbortSignal,
): Promise<readonly LostObject[]> {
  const { originals, failures, onRestored } = sources;
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
    const brought = await failures.attempt(() => bringObjectBack(sources, object, signal));
    const outcome = brought.kind === 'done' ? brought.result : lostFor(object.entry, brought.reason);
    if (outcome.kind === 'restored') onRestored(outcome);
    return outcome;
  });
  return outcomes.filter((outcome) => outcome.kind === 'lost');
}

function lostFor({ key, bytes }: MediaObject, reason: string): LostObject {
  return { kind: 'lost', key, bytes, reason };
}

/**
 * Looks in the quarantine for keys that had no object when the backup was taken. What it has for one is for people to
 * judge, and so is a key for which the server fails.
 */
async function seekMissedBefore(
  sources: Sources,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly MediaFinding[]> {
  const found = await mapConcurrently(keys, COPIES, async (key) => ({
    key,
    looked: await sources.failures.attempt(() => findNewestCopy(sources, key, signal).catch(exceptNoKey)),
  }));
  return found.map(({ key, looked }): MediaFinding => {
    if (looked.kind === 'failed') return { kind: 'lost', key, bytes: null, reason: looked.reason };
    if (looked.result === undefined) return { kind: 'never there', key };
    const { bytes } = looked.result.found;
    return { kind: 'lost', key, bytes, reason: describeMissedBefore(looked.result, key) };
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
  { store, dryRun, removeCopy }: Sources,
  { entry, copies, proven, possible: [newest, ...older] }: SoughtObject,
  signal: AbortSignal,
): Promise<MediaOutcome> {
  const { key, bytes, versionId } = entry;
  let reason =
    copies.length === 0
      ? 'it is not in quarantine, and there is no version of it'
      : 'quarantine has a different object of the same size, and there is no version of it';
  if (proven !== undefined) {
    const refusal = dryRun ? undefined : await takeFromQuarantine(store, proven, key, removeCopy, signal);
    if (refusal === undefined) return { kind: 'restored', key, bytes, from: 'quarantine' };
    reason = refusal;
  }
  if (versionId !== undefined) {
    const refusal = await takeVersion(store, { ...entry, versionId }, { dryRun }, signal);
    if (refusal === undefined) return { kind: 'restored', key, bytes, from: 'version' };
    reason = refusal;
  }
  if (newest !== undefined) reason = describeUnproven([newest, ...older], key);
  return lostFor(entry, reason);
}
