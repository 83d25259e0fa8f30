import { type Backup, type BrokenBackup, isTaken, isUsable, type UsableBackup } from '../catalog/backup.ts';
import { backupTime, isAhead } from '../catalog/backup-time.ts';
import { otherDatabase } from '../catalog/manifest.ts';
import { faultyCheck } from '../catalog/verification.ts';
import { byDatabase, type DatabaseBackups } from './by-database.ts';
import { type CalendarUnit, calendarName, spanBefore } from './calendar.ts';
import { newestFirst } from './newest-first.ts';
import type { KeepWithin, RetentionRules } from './rules.ts';

/** What is to be done with a backup, and why. */
export interface RetentionVerdict {
  readonly backup: Backup;
  readonly action: 'keep' | 'remove';
  /** At least one, each in one clause. */
  readonly reasons: readonly string[];
}

/** Returns those backups of `pool`, newest first, that a rule keeps, each with the reason. */
type Rule = (pool: readonly UsableBackup[]) => Map<Backup, string>;

/**
 * Decides for each backup, newest first, whether it stays.
 *
 * - The rules are applied to the backups of each database separately, see {@link byDatabase}.
 * - Every rule is applied to all backups that can be restored, again to the complete ones that were not pushed, and
 *   again to those of either that no verification has found faulty. So a foreign or pushed dump, about which nothing
 *   is proven, and a faulty backup take a place among their own kind, but never that of a better one.
 * - Only days, weeks, months and years that have a backup are counted, and a span is measured back from the newest
 *   one, so a time without backups makes none expire.
 * - A broken one counts for nothing. It is removed if its dump is gone, or once it is older than all kept ones of its
 *   database; never while it is newer than the newest complete one, or there is no complete one. If there are several
 *   databases, one with a dump that does not say which database it is of stays, because it may be the only one of its
 *   database. So does one whose manifest may be intact.
 * - One that is too far ahead of `now`, see {@link isAhead}, stays and counts for nothing: the clock that named it was
 *   wrong.
 *
 * @param zone the time zone of days, weeks, months and years
 * @param own the database whose rules these are: backups known to be of another one stay. Undefined for all databases.
 */
export function planRetention(
  backups: readonly Backup[],
  rules: RetentionRules,
  now: Date,
  zone: string,
  own?: string,
): RetentionVerdict[] {
  const ordered = newestFirst(backups);
  if (rules.newest === 0) return ordered.map((backup) => keep(backup, 'MAX_BACKUPS=0 keeps all'));
  const timely = ordered.filter((backup) => !isAhead(backup, now));
  const usable = timely.filter(isUsable);
  const kept = new Map(
    byDatabase(usable, own).flatMap((group) => [...applyRules(group, listRules(rules, zone))]),
  );
  const groups = byDatabase(timely, own);
  return ordered.map((backup): RetentionVerdict => {
    if (isAhead(backup, now)) return keep(backup, 'its time is ahead of the clock');
    const other = otherDatabase(backup, own);
    if (other !== undefined) return keep(backup, `only runs of its own database ${other} delete it`);
    if (backup.state === 'broken') return judgeBroken(backup, timely, groups, kept);
    const reasons = kept.get(backup);
    return reasons === undefined ? remove(backup, 'no rule keeps it') : { backup, action: 'keep', reasons };
  });
}

/** The reasons for each backup that stays. */
function applyRules(
  { database, backups: usable }: DatabaseBackups<UsableBackup>,
  rules: readonly Rule[],
): Map<Backup, string[]> {
  const whose = database === undefined ? '' : ` of database ${database}`;
  const isSound = ({ verified, unreadRecord }: Backup) =>
    faultyCheck(verified) === undefined && unreadRecord === undefined;
  const complete = usable.filter(isTaken);
  const pools = [
    { pool: usable, among: '' },
    { pool: usable.filter(isSound), among: ' among those without a fault' },
    { pool: complete, among: ' among the complete ones' },
    { pool: complete.filter(isSound), among: ' among the complete ones without a fault' },
  ];
  const kept = new Map<Backup, string[]>();
  for (const rule of rules) {
    const reasons = new Map<Backup, string>();
    for (const { pool, among } of pools) {
      for (const [backup, reason] of rule(pool)) {
        if (!reasons.has(backup)) reasons.set(backup, `${reason}${whose}${among}`);
      }
    }
    for (const [backup, reason] of reasons) kept.set(backup, [...(kept.get(backup) ?? []), reason]);
  }
  return kept;
}

function listRules({ newest, perUnit, within }: RetentionRules, zone: string): Rule[] {
  const rules = [keepNewest(newest)];
  for (const [unit, count] of Object.entries(perUnit) as [CalendarUnit, number][]) {
    rules.push(keepPerUnit(unit, count, zone));
  }
  if (within !== undefined) rules.push(keepWithin(within, zone));
  return rules;
}

function keepNewest(count: number): Rule {
  const reason = count === 1 ? 'the newest' : `one of the newest ${count}`;
  return (pool) => new Map(pool.slice(0, count).map((backup) => [backup, reason]));
}

function keepPerUnit(unit: CalendarUnit, count: number, zone: string): Rule {
  return (pool) => {
    const newestOf = new Map<string, UsableBackup>();
    for (const backup of pool) {
      const name = calendarName(backupTime(backup), unit, zone);
      if (newestOf.has(name)) continue;
      if (newestOf.size === count) break;
      newestOf.set(name, backup);
    }
    return new Map([...newestOf].map(([name, backup]) => [backup, `newest of ${unit} ${name}`]));
  };
}

function keepWithin({ text, span }: KeepWithin, zone: string): Rule {
  return (pool) => {
    const newest = pool[0];
    if (newest === undefined) return new Map();
    const since = spanBefore(backupTime(newest), span, zone);
    const young = pool.filter((backup) => backupTime(backup) >= since);
    return new Map(young.map((backup) => [backup, `within ${text} of the newest`]));
  };
}

/**
 * @param timely all that count, newest first
 * @param groups the same, grouped by database
 * @param kept those that a rule keeps
 */
function judgeBroken(
  backup: BrokenBackup,
  timely: readonly Backup[],
  groups: readonly DatabaseBackups[],
  kept: ReadonlyMap<Backup, unknown>,
): RetentionVerdict {
  if (backup.unproven) return keep(backup, 'broken, but its manifest may be intact');
  const own = groups.find((group) => group.backups.includes(backup));
  const isAnyones = own?.database === undefined && groups.length > 1;
  if (isAnyones && backup.dump !== undefined) return keep(backup, 'broken, and its database is unknown');
  const peers = isAnyones ? timely : (own?.backups ?? []);
  const newestComplete = peers.find(({ state }) => state === 'complete')?.id;
  if (newestComplete === undefined || backup.id >= newestComplete) {
    return keep(backup, 'broken, and no complete one is newer');
  }
  if (backup.dump === undefined) return remove(backup, 'its dump is gone');
  const oldestKept = peers.findLast((peer) => kept.has(peer))?.id;
  if (oldestKept === undefined || backup.id >= oldestKept) {
    return keep(backup, 'broken, but its dump exists and older ones are kept');
  }
  return remove(backup, 'broken, and older than all that are kept');
}

function keep(backup: Backup, reason: string): RetentionVerdict {
  return { backup, action: 'keep', reasons: [reason] };
}

function remove(backup: Backup, reason: string): RetentionVerdict {
  return { backup, action: 'remove', reasons: [reason] };
}
