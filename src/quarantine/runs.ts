import { backupId } from '../catalog/backup-name.ts';
import { NotFoundError } from '../errors.ts';
import { takePages } from '../s3/object-page.ts';
import type { ObjectInfo } from '../s3/store.ts';
import { firstOfJournal } from './journal.ts';
import { doneKey, journalKey, parseQuarantineKey, type Quarantine, runPrefix } from './quarantine-keys.ts';

/** One run of the quarantine, as the bucket holds it. */
export interface QuarantineRun {
  /** The time it began, `YYYYMMDDhhmmss` in UTC. */
  readonly run: string;
  /** Number of objects that it holds, and their total bytes. */
  readonly objects: number;
  readonly bytes: number;
  /**
   * `cut off`: interrupted or still active, which the bucket does not show; some objects may be in their place as
   * well. The next quarantine closes it.
   */
  readonly state: 'done' | 'cut off';
}

/** An object in quarantine. */
export interface QuarantinedObject extends ObjectInfo {
  /** The key it had. */
  readonly original: string;
}

/** Every run, oldest first. Holds the runs in memory, not their objects. */
export async function listRuns(
  { store, quarantinePrefix: prefix }: Quarantine,
  signal: AbortSignal,
): Promise<QuarantineRun[]> {
  const runs = new Map<string, { objects: number; bytes: number; done: boolean }>();
  for await (const { key, bytes } of store.list(prefix, { signal })) {
    const name = parseQuarantineKey(prefix, key);
    if (name === undefined) continue;
    const run = runs.get(name.run) ?? { objects: 0, bytes: 0, done: false };
    runs.set(name.run, run);
    if (name.part === 'done') run.done = true;
    if (name.part !== 'object') continue;
    run.objects += 1;
    run.bytes += bytes;
  }
  return [...runs].map(([run, { objects, bytes, done }]) => ({
    run,
    objects,
    bytes,
    state: done ? 'done' : 'cut off',
  }));
}

/** The name of a run that begins at `now`, or at the first second after it that no other run has. */
export async function findFreeRun(
  { store, quarantinePrefix: prefix }: Quarantine,
  now: Date,
  signal: AbortSignal,
): Promise<string> {
  for (let second = 0; ; second += 1) {
    const run = backupId(new Date(now.getTime() + second * 1000));
    if ((await store.head(journalKey(prefix, run), signal)) === undefined) return run;
  }
}

/** What a run holds, in the order of the keys' bytes, one page of the listing at a time. */
export async function* listQuarantined(
  { store, quarantinePrefix: prefix }: Quarantine,
  run: string,
  signal: AbortSignal,
): AsyncGenerator<readonly QuarantinedObject[]> {
  const from = runPrefix(prefix, run);
  for await (const objects of takePages(store.listPages(from, { signal }))) {
    yield objects.map((object) => ({ ...object, original: object.key.slice(from.length) }));
  }
}

/** A key that a run was to move, or has moved; undefined if it shows none. @throws as {@link readJournal} */
export async function firstOriginal(
  quarantine: Quarantine,
  run: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const planned = await firstOfJournal(quarantine, run, signal);
  if (planned !== undefined) return planned;
  for await (const [first] of listQuarantined(quarantine, run, signal)) return first?.original;
  return undefined;
}

/**
 * The state of one run, without listing what it holds.
 *
 * @throws NotFoundError if there is no such run
 */
export async function findRunState(
  { store, quarantinePrefix: prefix }: Quarantine,
  run: string,
  signal: AbortSignal,
): Promise<QuarantineRun['state']> {
  if (parseQuarantineKey(prefix, doneKey(prefix, run))?.run === run) {
    if ((await store.head(doneKey(prefix, run), signal)) !== undefined) return 'done';
    if ((await store.head(journalKey(prefix, run), signal)) !== undefined) return 'cut off';
    for await (const _ of store.list(runPrefix(prefix, run), { signal })) return 'cut off';
  }
  throw new NotFoundError({
    doing: `cannot use quarantine run ${run}`,
    problem: `there is no such run under ${prefix} of bucket ${store.bucket}`,
    remedy: 'run `topobank-backup quarantine list` to see the runs',
  });
}

/** The mark of a run that has ended. */
export interface RunMark {
  /** Its name: the time it began, `YYYYMMDDhhmmss` in UTC. */
  readonly run: string;
  /** ISO 8601 UTC. */
  readonly finishedAt: string;
  readonly moved: { readonly count: number; readonly bytes: number };
}

/**
 * Writes the mark that a run has ended. If it has moved nothing and holds nothing, removes everything of it instead.
 *
 * @throws StoreError
 */
export async function endRun(quarantine: Quarantine, mark: RunMark, signal: AbortSignal): Promise<void> {
  if (mark.moved.count === 0 && (await removeEmptyRun(quarantine, mark.run, signal))) return;
  const { store, quarantinePrefix } = quarantine;
  const body = Buffer.from(`${JSON.stringify(mark, undefined, 1)}\n`);
  const options = { ifAbsent: false, contentType: 'application/json', signal };
  await store.put(doneKey(quarantinePrefix, mark.run), body, options);
}

/**
 * Removes the journal and the mark of a run that holds nothing, for which they are useless.
 *
 * @returns whether the run holds nothing
 * @throws StoreError
 */
export async function removeEmptyRun(
  { store, quarantinePrefix: prefix }: Quarantine,
  run: string,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const _ of store.list(runPrefix(prefix, run), { signal })) return false;
  await store.remove([journalKey(prefix, run), doneKey(prefix, run)], signal);
  return true;
}
