import { keptMedia } from '../audit/kept-media.ts';
import { type Protectors, proveProtectors } from '../audit/protect.ts';
import { type FindOwned, ownedKeyFinder } from '../audit/rows/owned-keys.ts';
import { idTime } from '../catalog/backup-name.ts';
import { listBackups } from '../catalog/catalog.ts';
import type { StoreError } from '../errors.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { earlierClock } from '../s3/earlier-clock.ts';
import { joinRefusals, removeAllowed } from '../s3/remove-allowed.ts';
import type { Versioning } from '../s3/store.ts';
import { formatNumber, formatObjects } from '../ui/format.ts';
import { tellingCutOff } from './cut-off.ts';
import { describeLeft, type LeftObjects, type LeftObjectsTally, tallyLeft } from './left-objects.ts';
import type { ConfirmedQuarantineContext, QuarantineContext } from './quarantine-context.ts';
import {
  firstOriginal,
  listQuarantined,
  listRuns,
  type QuarantinedObject,
  type QuarantineRun,
  removeEmptyRun,
} from './runs.ts';

/**
 * The runs that began at least this many milliseconds before `now`; with 0 also those that are ahead of it, such as the
 * second of two in the same second, which is named by the next one.
 */
function oldRuns(runs: readonly QuarantineRun[], olderThanMs: number, now: Date): readonly QuarantineRun[] {
  if (olderThanMs === 0) return runs;
  return runs.filter(
    ({ run }) => (idTime(run)?.getTime() ?? Number.POSITIVE_INFINITY) <= now.getTime() - olderThanMs,
  );
}

/** The runs with media of this database: which rows and backups need the objects of others is unknown here. */
async function ownRuns(
  context: ConfirmedQuarantineContext,
  runs: readonly QuarantineRun[],
  signal: AbortSignal,
): Promise<QuarantineRun[]> {
  const own: QuarantineRun[] = [];
  for (const run of runs) {
    const original = await firstOriginal(context, run.run, signal);
    if (original === undefined || original.startsWith(context.mediaPrefix)) own.push(run);
    else
      context.log.warn(
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

/** The result of a purge, or what it would be. Sizes are bytes. */
export interface PurgeReport {
  readonly dryRun: boolean;
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
 * @param options.dryRun only says what would be deleted: asks nothing, and takes no lock
 * @throws StoreError, LockedError, DatabaseError, what `confirm` throws, or the signal's reason
 */
export async function purgeRuns(
  context: ConfirmedQuarantineContext,
  { olderThanMs, dryRun }: { readonly olderThanMs: number; readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<PurgeReport> {
  const { store, quarantinePrefix } = context;
  const all = await listRuns(context, signal);
  const runs = await ownRuns(context, oldRuns(all, olderThanMs, earlierClock(context)), signal);
  if (runs.length === 0)
    return { dryRun, runs: [], removed: { count: 0, bytes: 0 }, left: tallyLeft().summary() };
  if (dryRun) return withNeeds(context, signal, (needs) => foreseeDeletion(context, runs, needs, signal));
  const objects = runs.reduce((sum, run) => sum + run.objects, 0);
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  const what = `${formatObjects({ count: objects, bytes })} of ${formatNumber(runs.length, 'run')}`;
  const stays = STAYS[await store.versioning(signal)];
  const purpose = `delete ${what} under ${quarantinePrefix} in bucket ${store.bucket}${stays}`;
  await context.confirm(purpose);
  return withLock(context.database, context.lockFor(purpose), signal, (held) =>
    withNeeds(context, held, (needs) => deleteRuns(context, runs, needs, held)),
  );
}

/** What is needed of the quarantine. */
interface Needs {
  readonly findOwned: FindOwned;
  /** Opens the protectors of all kept backups, once for each run. */
  readonly openProtectors: () => Protectors;
}

async function withNeeds<T>(
  context: ConfirmedQuarantineContext,
  signal: AbortSignal,
  work: (needs: Needs) => Promise<T>,
): Promise<T> {
  const { store, database, quarantinePrefix, ownSources, mediaPrefix } = context;
  const kept = await keptMedia(context, await listBackups(context, signal), signal);
  const doing = `cannot purge ${quarantinePrefix} of bucket ${store.bucket}`;
  const openProtectors = await proveProtectors(doing, kept, signal);
  return database.use(database.name, signal, async (client) =>
    work({ findOwned: await ownedKeyFinder(client, ownSources, mediaPrefix), openProtectors }),
  );
}

/** The objects of a run that nothing needs, page by page; what stays is added to `left`. */
async function* unneeded(
  context: QuarantineContext,
  run: string,
  needs: Needs,
  left: LeftObjectsTally,
  signal: AbortSignal,
): AsyncGenerator<readonly QuarantinedObject[]> {
  const protectors = needs.openProtectors();
  try {
    for await (const page of listQuarantined(context, run, signal)) {
      const named = await needs.findOwned(page.map(({ original }) => original));
      const going: QuarantinedObject[] = [];
      for (const object of page) {
        const { original } = object;
        const [backup] = await protectors.of(original);
        if (backup !== undefined || named.has(original)) {
          const reason = backup === undefined ? 'a row names it' : `backup ${backup} needs it`;
          left.add(original, reason);
          context.log.debug(`${original} stays in quarantine: ${reason}`);
          continue;
        }
        going.push(object);
      }
      yield going;
    }
  } finally {
    await protectors.close();
  }
}

async function foreseeDeletion(
  context: QuarantineContext,
  runs: readonly QuarantineRun[],
  needs: Needs,
  signal: AbortSignal,
): Promise<PurgeReport> {
  const removed = { count: 0, bytes: 0 };
  const left = tallyLeft();
  for (const { run } of runs)
    for await (const going of unneeded(context, run, needs, left, signal)) count(removed, going);
  return { dryRun: true, runs: runs.map(({ run }) => run), removed, left: left.summary() };
}

async function deleteRuns(
  context: QuarantineContext,
  runs: readonly QuarantineRun[],
  needs: Needs,
  signal: AbortSignal,
): Promise<PurgeReport> {
  const { store, quarantinePrefix, log } = context;
  const removed = { count: 0, bytes: 0 };
  const left = tallyLeft();
  const refusals: StoreError[] = [];
  const describeCutOff = (objects: string) => `${objects} were deleted; run it again for the rest`;
  const deleteRun = async (run: string, begin: () => void) => {
    for await (const going of unneeded(context, run, needs, left, signal)) {
      begin();
      const refusal = await removeAllowed(
        store,
        going.map(({ key }) => key),
        signal,
      );
      if (refusal !== undefined) refusals.push(refusal);
      count(
        removed,
        going.filter(({ key }) => refusal?.keys.includes(key) !== true),
      );
    }
    await removeEmptyRun(context, run, signal);
  };
  await tellingCutOff(log, removed, describeCutOff, async (begin) => {
    for (const { run } of runs) await deleteRun(run, begin);
  });
  if (refusals.length > 0) {
    for (const line of describeLeft(left.summary(), 'in quarantine')) log.info(line);
    log.info(`deleted ${formatObjects(removed)} from the quarantine`);
    throw joinRefusals(
      `cannot delete every object under ${quarantinePrefix} from bucket ${store.bucket}`,
      refusals,
    );
  }
  return { dryRun: false, runs: runs.map(({ run }) => run), removed, left: left.summary() };
}

function count(sum: { count: number; bytes: number }, objects: readonly QuarantinedObject[]): void {
  sum.count += objects.length;
  for (const { bytes } of objects) sum.bytes += bytes;
}
