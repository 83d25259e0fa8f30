import { DumpError, NotFoundError } from '../errors.ts';
import type { Store } from '../s3/store.ts';
import { backupTime, isAhead } from './backup-time.ts';
import { findBackup, newestBackups, type UsableBackup } from './catalog.ts';
import { type Check, faultyCheck } from './verification.ts';

/** Which backup an operator asks for. */
export type Wanted =
  | { readonly by: 'id'; readonly id: string }
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
  const remedy = 'run `topobank-backup list` to see what there is';
  const where = `${prefix} of bucket ${store.bucket}`;
  if (wanted.by === 'id') {
    const doing = `cannot use backup ${wanted.id}`;
    const backup = await findBackup(store, prefix, wanted.id, signal);
    if (backup === undefined)
      throw new NotFoundError({ doing, problem: `there is none under ${where}`, remedy });
    if (backup.state === 'broken') throw new DumpError({ doing, problem: backup.fault, remedy });
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
    if (database !== undefined && whose !== undefined && whose !== database) {
      if (!isAhead(backup, now)) other ??= { id: backup.id, database: whose };
      continue;
    }
    if (isAhead(backup, now)) {
      ahead ??= backup.id;
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
    throw new NotFoundError({ doing, problem, remedy });
  }
  if (seen > 0)
    throw new NotFoundError({ doing, problem: `there is none that is whole under ${where}`, remedy });
  throw new NotFoundError({
    doing,
    problem: `there is none under ${where}`,
    remedy: 'check S3_PREFIX and AWS_STORAGE_BUCKET_NAME',
  });
}

/**
 * The check that has found bytes other than those that were dumped. A restore that failed on some server says nothing
 * of them.
 */
function damage({ verified }: UsableBackup): Check | undefined {
  const check = faultyCheck(verified);
  return check?.depth === 'restore' ? undefined : check;
}
