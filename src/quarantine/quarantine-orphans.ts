import type { Protectors } from '../audit/protect.ts';
import type { FindOwned } from '../audit/rows/owned-keys.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { removeAllowed } from '../s3/remove-allowed.ts';
import type { Store, StoredObject } from '../s3/store.ts';
import { tellingCutOff } from './cut-off.ts';
import { type JournalEntry, readJournal } from './journal.ts';
import { type LeftObjects, tallyLeft } from './left-objects.ts';
import { COPIES, copyAndCompare, isUnchanged } from './move-object.ts';
import { type Attempt, type ObjectFailures, tolerateFailures } from './object-failures.ts';
import type { QuarantineContext } from './quarantine-context.ts';
import { runPrefix } from './quarantine-keys.ts';
import { endRun, type RunMark } from './runs.ts';

/** Objects whose owners are looked up together: each lookup reads every table that owns objects, whole. */
const BATCH = 1000;

/** How many of these are checked once more, and then removed, together. */
const LOOKED_AT = 100;

/** The result of a run. */
export interface QuarantineReport extends RunMark {
  readonly left: LeftObjects;
}

/**
 * Moves the objects of a run's journal into the quarantine. Each object is copied and the copy compared; then it is
 * checked again whether a row or a backup needs the object and whether it is unchanged; only then is it removed. A
 * copy is removed only while the object is in its place. So whenever the run is interrupted, an object is in its
 * place, in the quarantine, or in both. An object for which the server fails is left in its place; if the server
 * fails for many in a row, or refuses the caller, the run ends.
 *
 * A run that moves nothing leaves nothing in the bucket.
 *
 * @param findOwned returns which keys rows own now
 * @param protectors those of backups that were made since the audit
 * @throws StoreError, DatabaseError, or the signal's reason
 */
export async function quarantineOrphans(
  context: QuarantineContext,
  run: string,
  { findOwned, protectors }: { readonly findOwned: FindOwned; readonly protectors: Protectors },
  signal: AbortSignal,
): Promise<QuarantineReport> {
  const { now, log } = context;
  const moved = { count: 0, bytes: 0 };
  const left = tallyLeft();
  const leave = (key: string, reason: string) => {
    left.add(key, reason);
    log.debug(`${key} is left in place: ${reason}`);
  };
  const progress = context.startProgress('quarantine', 0, 'objects');
  const tools: BatchTools = {
    findOwned,
    protectors,
    failures: tolerateFailures(),
    leave,
    onLooked: () => progress.add(1),
    onMoved: (object) => {
      moved.count += 1;
      moved.bytes += object.bytes;
    },
  };
  const moveAll = async (begin: () => void) => {
    for await (const entries of regroup(readJournal(context, run, signal))) {
      begin();
      await moveBatch(context, run, entries, tools, signal);
    }
  };
  const describeCutOff = (objects: string) =>
    `${objects} were moved before run ${run} was interrupted; another run moves the rest, and \`topobank-backup quarantine restore ${run}\` moves these back`;
  try {
    await tellingCutOff(log, moved, describeCutOff, moveAll);
  } finally {
    progress.stop();
    await protectors.close();
  }
  const report = { run, finishedAt: now().toISOString(), moved, left: left.summary() };
  await endRun(context, report, signal);
  return report;
}

/** What is needed to move a batch, in addition to the run. */
interface BatchTools {
  readonly findOwned: FindOwned;
  readonly protectors: Protectors;
  readonly failures: ObjectFailures;
  readonly leave: (key: string, reason: string) => void;
  /** Called for each object that was copied or is left. */
  readonly onLooked: () => void;
  readonly onMoved: (object: StoredObject) => void;
}

/** An object that was copied, and why it is not moved after all. */
interface Staying {
  readonly source: StoredObject;
  readonly reason: string;
}

async function moveBatch(
  { store, quarantinePrefix }: QuarantineContext,
  run: string,
  entries: readonly JournalEntry[],
  tools: BatchTools,
  signal: AbortSignal,
): Promise<void> {
  const { findOwned, failures, leave, onMoved } = tools;
  const target = (key: string) => `${runPrefix(quarantinePrefix, run)}${key}`;
  const copied = await copyBatch(store, entries, target, tools, signal);
  const named = await findOwned(copied.map(({ key }) => key));
  const staying: Staying[] = [];
  // An object may be rewritten between its check and its deletion, so only a few are checked together.
  for (let start = 0; start < copied.length; start += LOOKED_AT) {
    const some = copied.slice(start, start + LOOKED_AT);
    const going: StoredObject[] = [];
    await mapConcurrently(some, COPIES, async (source) => {
      const unchanged = await failures.attempt(() => isUnchanged(store, source, signal));
      const reason = named.has(source.key) ? 'a row owns it' : reasonToStay(unchanged);
      if (reason === undefined) going.push(source);
      else staying.push({ source, reason });
    });
    const refusal = await removeAllowed(
      store,
      going.map(({ key }) => key),
      signal,
    );
    const refused = new Set(refusal?.keys);
    for (const source of going) {
      if (refused.has(source.key)) staying.push({ source, reason: 'the server refused to delete it' });
      else onMoved(source);
    }
  }
  await mapConcurrently(staying, COPIES, async ({ source, reason }) => {
    if (await takeCopyBack(store, source.key, target(source.key), signal)) leave(source.key, reason);
    else onMoved(source);
  });
}

function reasonToStay(unchanged: Attempt<boolean>): string | undefined {
  if (unchanged.kind === 'failed') return unchanged.reason;
  return unchanged.result ? undefined : 'it changed while it was being copied';
}

/**
 * Removes the copy of an object that stays in its place. If the object is gone, or the server does not say, the copy
 * is kept, because it may be all that is left.
 *
 * @returns false if the object is gone
 */
async function takeCopyBack(store: Store, key: string, copy: string, signal: AbortSignal): Promise<boolean> {
  // The outcome must not count for or against a server that has just failed for the object.
  const looked = await tolerateFailures().attempt(() => store.head(key, signal));
  if (looked.kind === 'failed') return true;
  if (looked.result === undefined) return false;
  await store.remove([copy], signal);
  return true;
}

/** Copies what no backup needs. @returns what was copied */
async function copyBatch(
  store: Store,
  entries: readonly JournalEntry[],
  target: (key: string) => string,
  tools: BatchTools,
  signal: AbortSignal,
): Promise<StoredObject[]> {
  const { protectors, failures, leave, onLooked } = tools;
  const free: JournalEntry[] = [];
  for (const entry of entries) {
    const [backup] = await protectors.of(entry.key);
    if (backup === undefined) {
      free.push(entry);
      continue;
    }
    leave(entry.key, `backup ${backup} needs it`);
    onLooked();
  }
  const copied: StoredObject[] = [];
  await mapConcurrently(free, COPIES, async (entry) => {
    const to = target(entry.key);
    const copy = await failures.attempt(() =>
      copyAndCompare(store, entry.key, to, signal, (source) =>
        isAsListed(entry, source) ? undefined : 'it changed since the audit',
      ),
    );
    onLooked();
    const outcome = copy.kind === 'done' ? copy.result : copy;
    if (outcome.kind === 'copied') {
      copied.push(outcome.source);
      return;
    }
    // The server may have made a copy before it failed.
    if (outcome.kind === 'other' || outcome.kind === 'failed')
      await takeCopyBack(store, entry.key, to, signal);
    leave(entry.key, outcome.kind === 'gone' ? 'it is gone' : outcome.reason);
  });
  return copied;
}

/** HEAD reports the time in whole seconds. */
function isAsListed(entry: JournalEntry, source: StoredObject): boolean {
  const second = (time: Date) => Math.floor(time.getTime() / 1000);
  return (
    entry.bytes === source.bytes &&
    second(new Date(entry.lastModified)) === second(source.lastModified) &&
    (entry.etag === undefined || entry.etag === source.etag)
  );
}

/** Passes entries on in batches of the size in which their owners are looked up. */
async function* regroup(
  entries: AsyncIterable<readonly JournalEntry[]>,
): AsyncGenerator<readonly JournalEntry[]> {
  let batch: JournalEntry[] = [];
  for await (const some of entries) {
    for (const entry of some) {
      batch.push(entry);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
