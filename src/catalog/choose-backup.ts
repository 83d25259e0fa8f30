import { ConfigError, DumpError, NotFoundError } from '../errors.ts';
import type { Backup, BrokenBackup, UsableBackup } from './backup.ts';
import { backupTime, isAhead } from './backup-time.ts';
import { type Catalog, findBackups, newestBackups } from './catalog.ts';
import { lookElsewhere } from './look-elsewhere.ts';
import { type Manifest, otherDatabase } from './manifest.ts';
import { type Check, damagedCheck, faultyCheck } from './verification.ts';

/** The remedy where a backup is not what or where it was expected to be. */
export const SEE_LIST = 'run `topobank-backup list` to see the backups';

/** The error for a backup that somebody deletes while it is worked on. */
export function deletedMeanwhile(doing: string): NotFoundError {
  return new NotFoundError({ doing, problem: 'it was deleted in the meantime', remedy: SEE_LIST });
}

/**
 * A backup given by id, or by the file of its dump, since a bucket may hold several dumps with one id: `.sql`,
 * `.sql.gz`.
 */
interface NamedBackup {
  readonly by: 'id';
  readonly id: string;
  /** `postgres-backup-20261123103000.sql.gz` */
  readonly file?: string | undefined;
}

/** Which backup an operator asks for. */
export type Wanted =
  | NamedBackup
  /** The newest that can be restored. */
  | { readonly by: 'latest' }
  /** The newest that can be restored and was begun at or before this time. */
  | { readonly by: 'time'; readonly at: Date };

/** Which backups may be chosen, and who is told what is doubtful about the choice. */
export interface ChoiceOptions {
  readonly now: Date;
  /**
   * The database whose backups to choose from, unless one is given by its id. A foreign backup, which does not name
   * its database, is assumed to be of this one.
   */
  readonly database?: string | undefined;
  /**
   * Called for each backup passed over for an older one because a verification found that its bytes are not what was
   * dumped; without it, none is passed over. If all of them are faulty, the newest is chosen.
   */
  readonly passOver?: (faulty: UsableBackup, check: Check) => void;
  /** Called for each broken backup that would have been chosen because it is newer. */
  readonly overBroken?: (broken: BrokenBackup) => void;
  /**
   * Called if a verification found a fault in the chosen backup: its bytes differ, but it was asked for by id or is
   * the best there is; or it could not be restored, which may have been the server's fault; or its ETag differs, as
   * after a copy.
   */
  readonly doubt?: (chosen: UsableBackup, check: Check) => void;
  /** Called if the record of what verifications found about the chosen backup cannot be read. */
  readonly unread?: (chosen: UsableBackup, reason: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Finds the backup asked for. A backup dated in the future is never chosen as the latest: the clock that named it was
 * wrong.
 *
 * @throws NotFoundError if there is none
 * @throws DumpError if the one asked for by id is broken
 */
export async function chooseBackup(
  catalog: Catalog,
  wanted: Wanted,
  options: ChoiceOptions,
): Promise<UsableBackup<Manifest>> {
  const chosen =
    wanted.by === 'id'
      ? await chooseNamed(catalog, wanted, options.signal)
      : await chooseNewest(catalog, wanted, options);
  const check = faultyCheck(chosen.verified);
  if (check !== undefined) options.doubt?.(chosen, check);
  if (chosen.unreadRecord !== undefined) options.unread?.(chosen, chosen.unreadRecord);
  return chosen;
}

async function chooseNamed(
  catalog: Catalog,
  wanted: NamedBackup,
  signal: AbortSignal,
): Promise<UsableBackup<Manifest>> {
  const doing = `cannot use backup ${wanted.id}`;
  const backup = await findNamed(catalog, wanted, doing, signal);
  if (backup.state === 'broken') throw new DumpError({ doing, problem: backup.fault, remedy: SEE_LIST });
  return backup;
}

async function chooseNewest(
  catalog: Catalog,
  wanted: WantedNewest,
  options: ChoiceOptions,
): Promise<UsableBackup<Manifest>> {
  const search = await findNewest(catalog, wanted, options);
  if (search.kind === 'none') {
    const where = `${catalog.prefix} of bucket ${catalog.store.bucket}`;
    const remedy = search.unfit.length > 0 ? SEE_LIST : await lookElsewhere(catalog, options.signal);
    throw nothingFound(where, wanted, options.database, search.unfit, remedy);
  }
  for (const { backup, check } of search.passed) options.passOver?.(backup, check);
  for (const backup of search.broken) options.overBroken?.(backup);
  return search.backup;
}

type WantedNewest = Exclude<Wanted, NamedBackup>;

type Search =
  | {
      readonly kind: 'found';
      readonly backup: UsableBackup<Manifest>;
      readonly passed: readonly Faulty[];
      readonly broken: readonly BrokenBackup[];
    }
  | { readonly kind: 'none'; readonly unfit: readonly Unfit[] };

/** A backup to choose only if every other one is faulty too. */
interface Faulty {
  readonly kind: 'faulty';
  readonly backup: UsableBackup<Manifest>;
  readonly check: Check;
}

/** A backup that is not chosen, and why. */
type Unfit =
  | { readonly kind: 'broken'; readonly id: string; readonly backup: BrokenBackup }
  | { readonly kind: 'later' | 'ahead' | 'unusable'; readonly id: string }
  | { readonly kind: 'other'; readonly id: string; readonly database: string };

async function findNewest(catalog: Catalog, wanted: WantedNewest, options: ChoiceOptions): Promise<Search> {
  const passed: Faulty[] = [];
  const unfit: Unfit[] = [];
  const found = (backup: UsableBackup<Manifest>, passed: readonly Faulty[]): Search => {
    const broken = unfit.flatMap((each) =>
      each.kind === 'broken' && each.id > backup.id ? [each.backup] : [],
    );
    return { kind: 'found', backup, passed, broken };
  };
  for await (const backup of newestBackups(catalog, options.signal)) {
    const judged = judge(backup, wanted, options);
    if (judged.kind === 'fit') return found(judged.backup, passed);
    if (judged.kind === 'faulty') passed.push(judged);
    else unfit.push(judged);
  }
  const [newest] = passed;
  return newest === undefined ? { kind: 'none', unfit } : found(newest.backup, []);
}

function judge(
  backup: Backup<Manifest>,
  wanted: WantedNewest,
  { now, database, passOver }: ChoiceOptions,
): { readonly kind: 'fit'; readonly backup: UsableBackup<Manifest> } | Faulty | Unfit {
  const { id } = backup;
  const other = otherDatabase(backup, database);
  const isLater = wanted.by === 'time' && backupTime(backup) > wanted.at;
  if (isLater || isAhead(backup, now)) {
    const isUnusable = other !== undefined || backup.state === 'broken';
    return { kind: isUnusable ? 'unusable' : isLater ? 'later' : 'ahead', id };
  }
  if (backup.state === 'broken')
    return other === undefined ? { kind: 'broken', id, backup } : { kind: 'unusable', id };
  if (other !== undefined) return { kind: 'other', id, database: other };
  const check = passOver === undefined ? undefined : damagedCheck(backup.verified);
  return check === undefined ? { kind: 'fit', backup } : { kind: 'faulty', backup, check };
}

/**
 * @param unfit newest first
 * @param remedy if no backup can be named
 */
function nothingFound(
  where: string,
  wanted: WantedNewest,
  database: string | undefined,
  unfit: readonly Unfit[],
  remedy: string,
): NotFoundError {
  const doing =
    wanted.by === 'latest'
      ? 'cannot find the latest backup'
      : `cannot find a backup from ${wanted.at.toISOString()} or earlier`;
  const error = (problem: string, remedy: string) => new NotFoundError({ doing, problem, remedy });
  // No command is spelled out: the operator may have run `show` or `restore --into`, and `restore ID` would replace a
  // database.
  const byName = (id: string) => `to use that one anyway, give its id: ${id}`;

  const other = unfit.find((backup) => backup.kind === 'other');
  const oldest = unfit.findLast(({ kind }) => kind === 'later');
  if (other !== undefined && oldest === undefined) {
    const problem = `there is no usable backup of database ${database} under ${where}; ${other.id} is of database ${other.database}`;
    return error(problem, byName(other.id));
  }
  const ahead = unfit.find(({ kind }) => kind === 'ahead');
  if (ahead !== undefined) {
    const problem = `there is no usable backup under ${where}; ${ahead.id} is dated in the future`;
    return error(problem, byName(ahead.id));
  }
  if (oldest !== undefined) {
    const whose = other === undefined ? '' : ` of database ${database}`;
    return error(`all usable backups${whose} under ${where} are later; the oldest is ${oldest.id}`, remedy);
  }
  return error(`there is no ${unfit.length > 0 ? 'usable ' : ''}backup under ${where}`, remedy);
}

/**
 * The backup given by id, in any state.
 *
 * @param doing for the error: `cannot use backup 20261123103000`
 * @throws NotFoundError if there is none, or none whose dump has the given file name
 * @throws ConfigError if several have the id and none of them has a manifest
 */
export async function findNamed(
  catalog: Catalog,
  { id, file }: NamedBackup,
  doing: string,
  signal: AbortSignal,
): Promise<Backup<Manifest>> {
  const { store, prefix } = catalog;
  const found = await findBackups(catalog, id, signal);
  const keys = found.map(({ dump, manifest }) => dump?.key ?? manifest?.key);
  const at = file === undefined ? 0 : keys.indexOf(`${prefix}${file}`);
  const backup = found[at];
  const others = keys.filter((key) => key !== undefined).join(' and ');
  if (file === undefined && backup?.state === 'foreign' && found.length > 1) {
    const remedy = 'give the file name of one of them instead';
    throw new ConfigError({ doing, problem: `several dumps have this id: ${others}`, remedy });
  }
  if (backup !== undefined) return backup;
  const where = `under ${prefix} of bucket ${store.bucket}`;
  const problem =
    others === '' ? `there is no such backup ${where}` : `there is no ${file} ${where}, only ${others}`;
  throw new NotFoundError({ doing, problem, remedy: SEE_LIST });
}
