import { NotFoundError, type StoreError } from '../errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { joinRefusals, removeAllowed } from '../s3/remove-allowed.ts';
import type { Store } from '../s3/store.ts';
import { unescapeControls } from '../ui/controls.ts';
import { formatObjects } from '../ui/format.ts';
import { tellingCutOff } from './cut-off.ts';
import { describeLeft, type LeftObjects, tallyLeft } from './left-objects.ts';
import { COPIES, copyAndCompare, isInPlace } from './move-object.ts';
import { tolerateFailures } from './object-failures.ts';
import type { QuarantineContext } from './quarantine-context.ts';
import { type Quarantine, runPrefix } from './quarantine-keys.ts';
import { findRunState, listQuarantined, type QuarantinedObject, removeEmptyRun } from './runs.ts';

/** The result of bringing a run's objects back. Sizes are bytes. */
export interface RunRestored {
  readonly run: string;
  readonly restored: { readonly count: number; readonly bytes: number };
  /** What stays in quarantine. */
  readonly left: LeftObjects;
}

/**
 * Brings everything that a run of the quarantine holds, or one object of it, back to its place. An object that has
 * appeared in its place in the meantime stays there. A run that is not marked as done may be active; if an object of
 * such a run is still in its place, its copy is left alone, because the run may be about to delete the original. An
 * object for which the server fails keeps no other one from being brought back; if the server fails for many in a row,
 * or refuses the caller, this ends.
 *
 * @throws NotFoundError for a run or a key that does not exist, StoreError, or the signal's reason
 */
export async function restoreRun(
  context: Pick<QuarantineContext, 'store' | 'quarantinePrefix' | 'log'>,
  run: string,
  key: string | undefined,
  signal: AbortSignal,
): Promise<RunRestored> {
  const { store, log } = context;
  const state = await findRunState(context, run, signal);
  const restored = { count: 0, bytes: 0 };
  const left = tallyLeft();
  const failures = tolerateFailures();
  const refusals: StoreError[] = [];
  const pages =
    key === undefined ? listQuarantined(context, run, signal) : [await findOne(context, run, key, signal)];
  const describeCutOff = (objects: string) =>
    `${objects} of run ${run} are back in place; run it again for the rest`;
  const restorePage = async (page: readonly QuarantinedObject[]) => {
    const back: string[] = [];
    await mapConcurrently(page, COPIES, async (object) => {
      const brought = await failures.attempt(() => bringBack(store, object, signal));
      const outcome = brought.kind === 'done' ? brought.result : { ...brought, kind: 'refused' as const };
      if (outcome.kind === 'back' || (outcome.kind === 'there' && state === 'done')) {
        back.push(object.key);
        restored.count += 1;
        restored.bytes += object.bytes;
        return;
      }
      const reason = outcome.kind === 'refused' ? outcome.reason : 'it is already in its place';
      left.add(object.original, reason);
      log.debug(`${object.original} stays in quarantine: ${reason}`);
    });
    const refusal = await removeAllowed(store, back, signal);
    if (refusal !== undefined) refusals.push(refusal);
  };
  await tellingCutOff(log, restored, describeCutOff, async (begin) => {
    for await (const page of pages) {
      begin();
      await restorePage(page);
    }
  });
  if (refusals.length > 0) {
    for (const line of describeLeft(left.summary(), 'in quarantine')) log.info(line);
    log.info(`${formatObjects(restored)} of run ${run} back in place`);
    throw joinRefusals(`cannot delete every copy of them from run ${run}`, refusals);
  }
  // A run that may be active needs its journal; the next quarantine closes it.
  if (state === 'done') await removeEmptyRun(context, run, signal);
  return { run, restored, left: left.summary() };
}

/** The outcome of bringing an object back to its place. */
type BringingBack =
  | { readonly kind: 'back' }
  /** It was there already. */
  | { readonly kind: 'there' }
  | { readonly kind: 'refused'; readonly reason: string };

/** Copies an object of the quarantine to its place; the one in quarantine stays. */
export async function bringBack(
  store: Store,
  object: QuarantinedObject,
  signal: AbortSignal,
): Promise<BringingBack> {
  const present = await store.head(object.original, signal);
  if (present !== undefined) {
    return (await isInPlace(store, object, present, signal))
      ? { kind: 'there' }
      : { kind: 'refused', reason: 'another object has its key' };
  }
  const copy = await copyAndCompare(store, object.key, object.original, signal);
  switch (copy.kind) {
    case 'copied':
      return { kind: 'back' };
    case 'gone':
      return { kind: 'refused', reason: 'it is gone' };
    case 'refused':
      return copy;
    // It stays in its place, because another writer may have made it.
    case 'other':
      return {
        kind: 'refused',
        reason: `the object now in its place could not be confirmed as a copy: ${copy.reason}`,
      };
  }
}

/** @param named the original key, which may be spelled as reports show it */
async function findOne(
  { store, quarantinePrefix }: Quarantine,
  run: string,
  named: string,
  signal: AbortSignal,
): Promise<readonly QuarantinedObject[]> {
  for (const original of new Set([named, unescapeControls(named)])) {
    const found = await store.head(`${runPrefix(quarantinePrefix, run)}${original}`, signal);
    if (found !== undefined) return [{ ...found, original }];
  }
  throw new NotFoundError({
    doing: `cannot restore ${named} from quarantine run ${run}`,
    problem: 'the run has no such object',
    remedy:
      'give its original key, such as media/uploads/1/scan.opd, in single quotes where it has a backslash or a space',
  });
}
