import pLimit from 'p-limit';
import type { FindOwned } from '../audit/owned-keys.ts';
import type { Protectors } from '../audit/protect.ts';
import { StoreError } from '../errors.ts';
import type { Store, StoredObject } from '../s3/store.ts';
import { formatNumber } from '../ui/format.ts';
import type { QuarantineContext } from './context.ts';
import { type JournalEntry, readJournal } from './journal.ts';
import { type LeftObjects, tallyLeft } from './left-objects.ts';
import { COPIES, copyAndCompare, isUnchanged } from './move-object.ts';
import { doneKey, runPrefix } from './names.ts';

/** Objects that are looked up and removed together: each look reads the tables that own objects, whole. */
const BATCH = 1000;

/** What a run came to; also what its mark says in the bucket. */
export interface QuarantineReport {
  /** Its name: the time at which it began, `YYYYMMDDhhmmss` in UTC. */
  readonly run: string;
  /** ISO 8601 UTC. */
  readonly finishedAt: string;
  readonly moved: { readonly count: number; readonly bytes: number };
  readonly left: LeftObjects;
}

/**
 * Moves the objects of a run's journal into the quarantine. Each is copied and the copy compared; then it is looked up
 * once more whether a row or a backup needs it and whether it is the same; only then is it removed. So whenever the run
 * is cut off, an object is in its place, in the quarantine, or in both.
 *
 * @param findOwned tells which keys rows own at this moment
 * @param protectors of backups that came since the audit
 * @throws StoreError, DatabaseError, or the signal's reason
 */
export async function quarantineOrphans(
  context: QuarantineContext,
  run: string,
  { findOwned, protectors }: { readonly findOwned: FindOwned; readonly protectors: Protectors },
  signal: AbortSignal,
): Promise<QuarantineReport> {
  const { store, quarantinePrefix, now, log } = context;
  const moved = { count: 0, bytes: 0 };
  const left = tallyLeft();
  const leave = (key: string, reason: string) => {
    left.add(key, reason);
    log.debug(`${key} is left in its place: ${reason}`);
  };
  const progress = context.startProgress('quarantine', 0, (count) => formatNumber(count, 'object'));
  try {
    for await (const entries of inBatches(readJournal(store, quarantinePrefix, run, signal))) {
      for (const object of await moveBatch(context, run, entries, { findOwned, protectors, leave }, signal)) {
        moved.count += 1;
        moved.bytes += object.bytes;
      }
      progress.add(entries.length);
    }
  } finally {
    progress.stop();
    await protectors.close();
  }
  const report = { run, finishedAt: now().toISOString(), moved, left: left.summary() };
  await markDone(store, quarantinePrefix, run, report, signal);
  return report;
}

/** Writes the mark that nothing of a run is under way. */
export async function markDone(
  store: Store,
  quarantinePrefix: string,
  run: string,
  report: Omit<QuarantineReport, 'left'>,
  signal: AbortSignal,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(report, undefined, 1)}\n`);
  const options = { ifAbsent: false, contentType: 'application/json', signal };
  await store.put(doneKey(quarantinePrefix, run), body, options);
}

/** @returns what was moved */
async function moveBatch(
  { store, quarantinePrefix }: QuarantineContext,
  run: string,
  entries: readonly JournalEntry[],
  use: {
    readonly findOwned: FindOwned;
    readonly protectors: Protectors;
    readonly leave: (key: string, reason: string) => void;
  },
  signal: AbortSignal,
): Promise<StoredObject[]> {
  const { findOwned, protectors, leave } = use;
  const target = (key: string) => `${runPrefix(quarantinePrefix, run)}${key}`;
  const limit = pLimit(COPIES);
  const free: JournalEntry[] = [];
  for (const entry of entries) {
    const [backup] = await protectors.of(entry.key);
    if (backup === undefined) free.push(entry);
    else leave(entry.key, `backup ${backup} needs it`);
  }
  const copies = await Promise.all(
    free.map((entry) =>
      limit(async () => {
        const copy = await copyAndCompare(store, entry.key, target(entry.key), signal, (source) =>
          isAsListed(entry, source) ? undefined : 'it changed since the audit',
        );
        if (copy.kind === 'copied') return copy.source;
        if (copy.kind === 'other') await store.remove([target(entry.key)], signal);
        leave(entry.key, copy.kind === 'gone' ? 'it is gone' : copy.reason);
        return undefined;
      }),
    ),
  );
  const copied = copies.filter((source) => source !== undefined);
  const named = await findOwned(copied.map(({ key }) => key));
  const going: StoredObject[] = [];
  const staying: StoredObject[] = [];
  await Promise.all(
    copied.map((source) =>
      limit(async () => {
        const reason = named.has(source.key)
          ? 'a row owns it'
          : (await isUnchanged(store, source, signal))
            ? undefined
            : 'it changed while it was copied';
        if (reason !== undefined) leave(source.key, reason);
        (reason === undefined ? going : staying).push(source);
      }),
    ),
  );
  const refused = await removeAll(store, going, signal);
  for (const { key } of refused) leave(key, 'the server refuses to delete it');
  await store.remove(
    [...staying, ...refused].map(({ key }) => target(key)),
    signal,
  );
  return going.filter((source) => !refused.includes(source));
}

/** @returns those that the server refuses to delete */
async function removeAll(
  store: Store,
  objects: readonly StoredObject[],
  signal: AbortSignal,
): Promise<readonly StoredObject[]> {
  try {
    await store.remove(
      objects.map(({ key }) => key),
      signal,
    );
    return [];
  } catch (error) {
    if (!(error instanceof StoreError) || error.keys.length === 0) throw error;
    return objects.filter(({ key }) => error.keys.includes(key));
  }
}

/** A HEAD tells the time without the fraction of the second. */
function isAsListed(entry: JournalEntry, source: StoredObject): boolean {
  const second = (time: Date) => Math.floor(time.getTime() / 1000);
  return (
    entry.bytes === source.bytes &&
    second(new Date(entry.lastModified)) === second(source.lastModified) &&
    (entry.etag === undefined || entry.etag === source.etag)
  );
}

async function* inBatches(
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
