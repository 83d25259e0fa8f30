import { type Backup, isUsable, type UsableBackup } from '../catalog/backup.ts';
import { isAhead } from '../catalog/backup-time.ts';
import { databaseOf, mayBeOf } from '../catalog/manifest.ts';
import { damagedCheck } from '../catalog/verification.ts';
import { formatBytes } from '../ui/format.ts';
import { shellWord } from '../ui/shell-word.ts';
import { newestFirst } from './newest-first.ts';

/** A dump that is so much smaller than one before it that something may have been lost. */
export interface Shrink {
  readonly id: string;
  /** Key of its dump. */
  readonly key: string;
  /** What it is a dump of; null if that is not known. */
  readonly database: string | null;
  /** Length of the plain dump in bytes. */
  readonly bytes: number;
  readonly previous: { readonly id: string; readonly key: string; readonly bytes: number };
}

/** A dump whose uncompressed length in bytes is known. */
interface Measured {
  readonly backup: UsableBackup;
  readonly bytes: number;
}

/** The two newest dumps whose lengths can be compared. */
interface MeasuredPair {
  readonly newest: Measured;
  readonly previous: Measured;
}

/**
 * The newest dump of known length and the one before it. A length is known for plain SQL and for a dump whose
 * manifest gives the plain length. The one before must not be known to be of another database, nor to have other
 * bytes than were dumped.
 *
 * @returns undefined if there are no two such dumps
 */
export function measurePair(backups: readonly Backup[], now: Date): MeasuredPair | undefined {
  const [newest, ...older] = measureAll(backups, now);
  const previous = older.find((dump) => newest !== undefined && mayPrecede(dump, newest));
  return newest === undefined || previous === undefined ? undefined : { newest, previous };
}

/**
 * Whether the newest dump has shrunk.
 *
 * @param share the fraction of the previous length below which the guard holds; 0 turns it off
 * @returns undefined if there is nothing to report
 */
export function judgeShrink(backups: readonly Backup[], share: number, now: Date): Shrink | undefined {
  const pair = measurePair(backups, now);
  return pair && shrinkOf(pair.newest, pair.previous, share);
}

/**
 * The last backups that have what the newest dump, of all and of each database, may have lost: the newest dump
 * compared with which it has shrunk, then the newest before that compared with which that one has shrunk, and so on.
 * Which ones these are does not depend on any other backup.
 *
 * @returns one for each, newest first
 */
export function findLarger(backups: readonly Backup[], share: number, now: Date): Shrink[] {
  const dumps = measureAll(backups, now);
  const found = new Map<string, Shrink>();
  for (const newest of newestOfEach(dumps)) {
    for (const shrink of findLargerThan(newest, dumps, share)) {
      if (!found.has(shrink.previous.key)) found.set(shrink.previous.key, shrink);
    }
  }
  return [...found.values()].sort((a, b) => (a.previous.id < b.previous.id ? 1 : -1));
}

/** The newest of all dumps, and of each database. */
function newestOfEach(dumps: readonly Measured[]): readonly Measured[] {
  const newest = new Map<string | undefined, Measured>();
  for (const dump of dumps) {
    const database = databaseOf(dump.backup);
    if (newest.size === 0 || (database !== undefined && !newest.has(database))) newest.set(database, dump);
  }
  return [...newest.values()];
}

function findLargerThan(newest: Measured, dumps: readonly Measured[], share: number): Shrink[] {
  const found: Shrink[] = [];
  let last = newest;
  for (const dump of dumps.slice(dumps.indexOf(newest) + 1)) {
    if (!mayPrecede(dump, newest) || shrinkOf(last, dump, share) === undefined) continue;
    const shrink = shrinkOf(newest, dump, share);
    if (shrink !== undefined) found.push(shrink);
    last = dump;
  }
  return found;
}

/**
 * What to do about it: of several databases, only the one that is named is pruned. Flags rather than variables, which
 * would stay in the environment and turn the guard off for good.
 */
function checkAndPrune(database: string | null): string {
  const [which, flag] =
    database === null ? ['the database', ''] : [`database ${database}`, ` --database ${shellWord(database)}`];
  return `check ${which}, and if this is right, run \`topobank-backup prune${flag} --shrink-guard 0\``;
}

/** The verdict in one sentence, for the log, `list` and `health`. */
export function describeShrink({ id, database, bytes, previous }: Shrink, share: number): string {
  return (
    `backup ${id} shrank to ${formatBytes(bytes)} from ${formatBytes(previous.bytes)} in ${previous.id}, ` +
    `so nothing is pruned (SHRINK_GUARD=${share}); ${checkAndPrune(database)}, ` +
    `which prunes once and deletes ${previous.id} unless a rule keeps it`
  );
}

/** Why the larger dump stays, if the smaller one need not be the first small dump after it. */
export function describeSpared({ id, database, bytes, previous }: Shrink, share: number): string {
  return (
    `backup ${previous.id} is not pruned, because backup ${id} has ${formatBytes(bytes)} after its ` +
    `${formatBytes(previous.bytes)} (SHRINK_GUARD=${share}); ` +
    `${checkAndPrune(database)}, which deletes it unless a rule keeps it`
  );
}

/** Newest first. */
function measureAll(backups: readonly Backup[], now: Date): Measured[] {
  return newestFirst(backups)
    .filter(isUsable)
    .filter((backup) => !isAhead(backup, now))
    .flatMap(measure);
}

/**
 * Whether the newest dump is compared with this one: not if it is known to be of another database, or its bytes are
 * known to have changed.
 */
function mayPrecede({ backup }: Measured, newest: Measured): boolean {
  return damagedCheck(backup.verified) === undefined && mayBeOf(backup, databaseOf(newest.backup));
}

function shrinkOf({ backup, bytes }: Measured, previous: Measured, share: number): Shrink | undefined {
  if (bytes >= previous.bytes * share) return undefined;
  const { id, dump } = previous.backup;
  return {
    id: backup.id,
    key: backup.dump.key,
    database: databaseOf(backup) ?? null,
    bytes,
    previous: { id, key: dump.key, bytes: previous.bytes },
  };
}

function measure(backup: UsableBackup): Measured[] {
  if (backup.state === 'complete') return [{ backup, bytes: backup.manifest.bytes }];
  return backup.dump.compression === null ? [{ backup, bytes: backup.dump.bytes }] : [];
}
