import { DumpError, NotFoundError } from '../errors.ts';
import type { Store } from '../s3/store.ts';
import { backupTime, isAhead } from './backup-time.ts';
import { type Backup, findBackups, newestBackups, type UsableBackup } from './catalog.ts';
import { type Check, faultyCheck } from './verification.ts';

const SEE_LIST = 'run `topobank-backup list` to see what there is';

/** A backup that is named, by the file of its dump where a bucket may hold several of one id: `.sql`, `.sql.gz`. */
export interface NamedBackup {
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

export interface ChoiceOptions {
  readonly now: Date;
  /**
   * The database whose backups are chosen from, unless one is named by its id. A foreign one, which does not tell whose
   * it is, is taken for one of them.
   */
  readonly database?: string;
  /**
   * Is told of each backup that is passed over for an older one, because a verification has found that its bytes are not
   * what was dumped; without it, none is. Where all of them are faulty, the newest is chosen.
   */
  readonly passOver?: (faulty: UsableBackup, check: Check) => void;
  /** Is told of the chosen one that a verification could not restore it, for which the server may have been at fault. */
  readonly doubt?: (chosen: UsableBackup, check: Check) => void;
  readonly signal: AbortSignal;
}

/**
 * The backup that is asked for. A name that lies ahead of the clock is that of no latest backup: it was given by a clock
 * that was wrong.
 *
 * @throws NotFoundError when there is none
 * @throws DumpError when the one that was named is broken
 */
export async function chooseBackup(
  store: Store,
  prefix: string,
  wanted: Wanted,
  options: ChoiceOptions,
): Promise<UsableBackup> {
  const chosen = await choose(store, prefix, wanted, options);
  const check = faultyCheck(chosen.verified);
  if (check?.depth === 'restore') options.doubt?.(chosen, check);
  return chosen;
}

async function choose(
  store: Store,
  prefix: string,
  wanted: Wanted,
  { now, database, passOver, signal }: ChoiceOptions,
): Promise<UsableBackup> {
  const where = `${prefix} of bucket ${store.bucket}`;
  if (wanted.by === 'id') {
    const doing = `cannot use backup ${wanted.id}`;
    const backup = await findNamed(store, prefix, wanted, doing, signal);
    if (backup.state === 'broken') throw new DumpError({ doing, problem: backup.fault, remedy: SEE_LIST });
    return backup;
  }
  const until = wanted.by === 'time' ? wanted.at : undefined;
  let other: { readonly id: string; readonly database: string } | undefined;
  let ahead: string | undefined;
  let later: string | undefined;
  let seen = 0;
  const faulty: { readonly backup: UsableBackup; readonly check: Check }[] = [];
  for await (const backup of newestBackups(store, prefix, signal)) {
    seen += 1;
    if (backup.state === 'broken') continue;
    if (until !== undefined && backupTime(backup) > until) {
      later = backup.id;
      continue;
    }
    const whose = backup.manifest?.database?.name;
    const isOthers = database !== undefined && whose !== undefined && whose !== database;
    if (isAhead(backup, now)) {
      if (!isOthers) ahead ??= backup.id;
      continue;
    }
    if (isOthers) {
      other ??= { id: backup.id, database: whose };
      continue;
    }
    const check = passOver === undefined ? undefined : damage(backup);
    if (check === undefined) {
      for (const passed of faulty) passOver?.(passed.backup, passed.check);
      return backup;
    }
    faulty.push({ backup, check });
  }
  const [newest] = faulty;
  if (newest !== undefined) return newest.backup;
  const doing =
    until === undefined
      ? 'cannot find the latest backup'
      : `cannot find a backup of ${until.toISOString()} or before`;
  const byName = (id: string) => `to restore that one all the same, name it: topobank-backup restore ${id}`;
  if (other !== undefined) {
    const problem = `there is none of database ${database} under ${where}; ${other.id} is one of database ${other.database}`;
    throw new NotFoundError({ doing, problem, remedy: byName(other.id) });
  }
  if (ahead !== undefined) {
    const problem = `there is none under ${where} that is not ahead of the clock, as ${ahead} is`;
    throw new NotFoundError({ doing, problem, remedy: byName(ahead) });
  }
  if (later !== undefined) {
    const problem = `each one under ${where} is of later, the oldest being ${later}`;
    throw new NotFoundError({ doing, problem, remedy: SEE_LIST });
  }
  if (seen > 0)
    throw new NotFoundError({
      doing,
      problem: `there is none that is whole under ${where}`,
      remedy: SEE_LIST,
    });
  throw new NotFoundError({
    doing,
    problem: `there is none under ${where}`,
    remedy: 'check S3_PREFIX and AWS_STORAGE_BUCKET_NAME',
  });
}

/**
 * The backup that is named, in whatever state.
 *
 * @param doing for the error: `cannot use backup 20261123103000`
 * @throws NotFoundError when there is none, or none whose dump has the file that is named
 */
export async function findNamed(
  store: Store,
  prefix: string,
  { id, file }: NamedBackup,
  doing: string,
  signal: AbortSignal,
): Promise<Backup> {
  const found = await findBackups(store, prefix, id, signal);
  const keys = found.map(({ dump, manifest }) => dump?.key ?? manifest?.key);
  const at = file === undefined ? 0 : keys.indexOf(`${prefix}${file}`);
  const backup = found[at];
  if (backup !== undefined) return backup;
  const where = `under ${prefix} of bucket ${store.bucket}`;
  const others = keys.filter((key) => key !== undefined).join(' and ');
  const problem = others === '' ? `there is none ${where}` : `there is no ${file} ${where}, but ${others}`;
  throw new NotFoundError({ doing, problem, remedy: SEE_LIST });
}

/**
 * The check that has found bytes other than those that were dumped. A restore that failed on some server says nothing
 * of them.
 */
function damage({ verified }: UsableBackup): Check | undefined {
  const check = faultyCheck(verified);
  return check?.depth === 'restore' ? undefined : check;
}
