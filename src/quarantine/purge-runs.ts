import { keptMedia } from '../audit/kept-media.ts';
import {
  openProtectors,
  type Protectors,
  proveLists,
  refuseUnread,
  type UnreadBackup,
} from '../audit/protect.ts';
import { type FindOwned, ownedKeyFinder } from '../audit/rows/owned-keys.ts';
import { idTime } from '../catalog/backup-name.ts';
import { listBackups } from '../catalog/catalog.ts';
import type { StoreError } from '../errors.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { earlierClock } from '../s3/earlier-clock.ts';
import { joinRefusals, removeAllowed } from '../s3/remove-allowed.ts';
import type { Versioning } from '../s3/store.ts';
import { formatBytes, formatNumber } from '../ui/format.ts';
import { tellingCutOff } from './cut-off.ts';
import { describeLeft, type LeftObjects, tallyLeft } from './left-objects.ts';
import type { ConfirmedQuarantineContext, QuarantineContext } from './quarantine-context.ts';
import {
  firstOriginal,
  listQuarantined,
  listRuns,
  type QuarantinedObject,
  type QuarantineRun,
  removeEmptyRun,
} from './runs.ts';

/** The runs that began at least this many milliseconds before `now`. */
function oldRuns(runs: readonly QuarantineRun[], olderThanMs: number, now: Date): QuarantineRun[] {
  return runs.filter(
    ({ run }) => (idTime(run)?.getTime() ?? Number.POSITIVE_INFINITY) <= now.getTime() - olderThanMs,
  );
}

/** The runs with media of this database: which rows and backups need the objects of others is unknown here. */
async function ownRuns(
  { store, quarantinePrefix, mediaPrefix, log }: ConfirmedQuarantineContext,
  runs: readonly QuarantineRun[],
  signal: AbortSignal,
): Promise<QuarantineRun[]> {
  const own: QuarantineRun[] = [];
  for (const run of runs) {
    const original = await firstOriginal(store, quarantinePrefix, run.run, signal);
    if (original === undefined || original.startsWith(mediaPrefix)) own.push(run);
    else
      log.warn(
        `leaving quarantine run ${run.run} alone: it moved ${original}, which is not media of this database`,
      );
  }
  return own;
}

/** What becomes of deleted objects in a bucket. */
const STAYS: Readonly<Record<Versioning, string>> = {
  on: ', which keeps them as old versions',
  suspended: ', which keeps those that it has as versions',
  off: ' permanently',
  'not told': ' permanently',
};

/** The result of a purge. Sizes are bytes. */
export interface PurgeReport {
  /** Those that were old enough, including any whose objects all stay. */
  readonly runs: readonly string[];
  readonly removed: { readonly count: number; readonly bytes: number };
  /** Objects that stay, because a row or a kept backup has come to need them. */
  readonly left: LeftObjects;
}

/**
 * Deletes what is held by runs of the quarantine that began at least this many milliseconds ago, except what a row
 * names or a kept backup needs; only a bucket that keeps versions still has it then. Asks for confirmation if there are
 * such runs. Runs of other databases are left alone, see {@link ownRuns}.
 *
 * @throws StoreError, LockedError, DatabaseError, what `confirm` throws, or the signal's reason
 */
export async function purgeRuns(
  context: ConfirmedQuarantineContext,
  olderThanMs: number,
  signal: AbortSignal,
): Promise<PurgeReport> {
  const { store, database, quarantinePrefix } = context;
  const all = await listRuns(store, quarantinePrefix, signal);
  const runs = await ownRuns(context, oldRuns(all, olderThanMs, earlierClock(context)), signal);
  if (runs.length === 0) return { runs: [], removed: { count: 0, bytes: 0 }, left: tallyLeft().summary() };
  const objects = runs.reduce((sum, run) => sum + run.objects, 0);
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  const what = `${formatNumber(objects, 'object')} (${formatBytes(bytes)}) of ${formatNumber(runs.length, 'run')}`;
  const stays = STAYS[await store.versioning(signal)];
  const purpose = `delete ${what} under ${quarantinePrefix} in bucket ${store.bucket}${stays}`;
  await context.confirm(purpose);
  return withLock(database, context.lockFor(purpose), signal, async (held) => {
    const backups = await listBackups(store, context.prefix, held);
    const kept = await keptMedia(context, backups, held);
    const refuse = (backup: UnreadBackup) => {
      throw refuseUnread(`cannot purge ${quarantinePrefix} of bucket ${store.bucket}`, backup);
    };
    await proveLists(kept, refuse);
    const protectors = () => openProtectors(kept, refuse);
    return database.use(database.name, held, async (client) => {
      const findOwned = await ownedKeyFinder(client, context.ownSources, context.mediaPrefix);
      return deleteRuns(context, runs, { findOwned, openProtectors: protectors }, held);
    });
  });
}

/** @param openProtectors opens those of all kept backups, once for each run */
async function deleteRuns(
  { store, quarantinePrefix, log }: QuarantineContext,
  runs: readonly QuarantineRun[],
  use: { readonly findOwned: FindOwned; readonly openProtectors: () => Protectors },
  signal: AbortSignal,
): Promise<PurgeReport> {
  const removed = { count: 0, bytes: 0 };
  const left = tallyLeft();
  const refusals: StoreError[] = [];
  const describeCutOff = (objects: string) => `${objects} were deleted; run it again for the rest`;
  const deleteRun = async (run: string, begin: () => void) => {
    const protectors = use.openProtectors();
    try {
      for await (const page of listQuarantined(store, quarantinePrefix, run, signal)) {
        const named = await use.findOwned(page.map(({ original }) => original));
        const going: QuarantinedObject[] = [];
        for (const object of page) {
          const { original } = object;
          const [backup] = await protectors.of(original);
          if (backup !== undefined || named.has(original)) {
            const reason = backup === undefined ? 'a row names it' : `backup ${backup} needs it`;
            left.add(original, reason);
            log.debug(`${original} stays in quarantine: ${reason}`);
            continue;
          }
          going.push(object);
        }
        begin();
        const refusal = await removeAllowed(
          store,
          going.map(({ key }) => key),
          signal,
        );
        if (refusal !== undefined) refusals.push(refusal);
        const gone = going.filter(({ key }) => refusal?.keys.includes(key) !== true);
        removed.count += gone.length;
        removed.bytes += gone.reduce((sum, { bytes }) => sum + bytes, 0);
      }
      await removeEmptyRun(store, quarantinePrefix, run, signal);
    } finally {
      await protectors.close();
    }
  };
  await tellingCutOff(log, removed, describeCutOff, async (begin) => {
    for (const { run } of runs) await deleteRun(run, begin);
  });
  if (refusals.length > 0) {
    for (const line of describeLeft(left.summary(), 'in quarantine')) log.info(line);
    log.info(
      `deleted ${formatNumber(removed.count, 'object')} (${formatBytes(removed.bytes)}) from the quarantine`,
    );
    throw joinRefusals(
      `cannot delete every object under ${quarantinePrefix} from bucket ${store.bucket}`,
      refusals,
    );
  }
  return { runs: runs.map(({ run }) => run), removed, left: left.summary() };
}
