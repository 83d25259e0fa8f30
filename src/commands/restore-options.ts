import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { dumpFile, fileTime, idTime } from '../catalog/backup-name.ts';
import type { Wanted } from '../catalog/choose-backup.ts';
import { NAME_BYTES } from '../config/forms.ts';
import type { SettingGroup } from '../config/setting.ts';
import { unreadFlags } from '../config/unread-flags.ts';
import { ConfigError, NotFoundError } from '../errors.ts';
import type { RestoreTarget } from '../restore/databases/restore-target.ts';
import type { AddRowsOptions } from '../restore/narrow/add-rows.ts';
import { AUDIT_GROUPS, BACKUP_AUDIT_GROUPS, FILE_RESTORE_GROUPS, RESTORE_GROUPS } from './groups.ts';
import type { CommonOptions, Invocation, Session } from './session.ts';
import { parseTime, TIME_FORM } from './time-option.ts';

/** What every kind of restore needs. */
export type RestoreSession = Session<'database' | 'lock'>;

/** The options of `restore`, as given. */
export interface RestoreFlags extends CommonOptions {
  readonly latest?: true;
  readonly at?: string;
  readonly into?: string;
  readonly inPlace?: true;
  readonly dropOld?: true;
  readonly jobs?: string;
  readonly table?: readonly string[];
  readonly dataOnly?: true;
  /** How commander represents `--no-owner`. */
  readonly owner: boolean;
  /** How commander represents `--no-audit`. */
  readonly audit?: boolean;
  readonly withMedia?: true;
  readonly dryRun?: true;
  /** Not an option: an environment variable has already given the confirmation. */
  readonly unasked?: true;
}

/** The dump to restore: one in the bucket, or a file. */
export type WantedDump =
  | Wanted
  | { readonly by: 'key'; readonly key: string; readonly id: string }
  | { readonly by: 'file'; readonly file: string };

/** @throws NotFoundError for a key outside the backups' prefix: a mistyped file must not be taken for a backup */
export function wantedBackup(wanted: Exclude<WantedDump, { by: 'file' }>, prefix: string): Wanted {
  if (wanted.by !== 'key') return wanted;
  const { key, id } = wanted;
  if (key === `${prefix}${basename(key)}`) return { by: 'id', id, file: dumpFile(basename(key)) };
  throw new NotFoundError({
    doing: `cannot read the dump ${key}`,
    problem: `there is no such file, and backups are stored under ${prefix}`,
    remedy: 'give the path of a dump, or an id as shown by `topobank-backup list`',
  });
}

/** @throws ConfigError unless exactly one dump is named */
export function readWanted(what: string | undefined, { latest, at }: RestoreFlags): WantedDump {
  const given = [what, latest, at].filter((choice) => choice !== undefined).length;
  if (given !== 1) {
    throw usage(
      given === 0 ? 'no backup is given' : 'more than one backup is given',
      'give an ID, a FILE, --latest or --at TIME',
    );
  }
  if (at !== undefined) return { by: 'time', at: readTime(at) };
  if (what === undefined || what === 'latest') return { by: 'latest' };
  if (idTime(what) !== undefined) return { by: 'id', id: what };
  // The name or key of a dump in the bucket; a local file of this name takes precedence.
  const id = fileTime(basename(what));
  if (id === undefined || existsSync(what)) return { by: 'file', file: what };
  return what === basename(what)
    ? { by: 'id', id, file: dumpFile(what) }
    : { by: 'key', key: what.replace(/^\/+/, ''), id };
}

/** @throws ConfigError for targets that exclude each other, or an invalid name */
export function readTarget(flags: RestoreFlags): RestoreTarget {
  const { into, inPlace, dropOld, table, withMedia, unasked = false } = flags;
  const given = [
    into === undefined ? '' : '--into',
    inPlace ? '--in-place' : '',
    dropOld ? '--drop-old' : '',
  ].filter((flag) => flag !== '');
  if (given.length > 1) throw usage(`${given.join(' and ')} cannot be combined`, 'give only one of them');
  if (into === undefined && table !== undefined) {
    throw usage('--table needs --into', 'add --into NAME, an unused name for the new database');
  }
  if (table !== undefined && withMedia === true) {
    throw usage(
      '--with-media applies only to whole backups',
      'omit --table, or see `topobank-backup media --help`',
    );
  }
  if (into === undefined)
    return inPlace ? { kind: 'in-place' } : { kind: 'swap', dropOld: dropOld === true, unasked };
  if (into === '' || Buffer.byteLength(into) > NAME_BYTES) {
    throw usage(`--into: ${JSON.stringify(into)} is not accepted`, `give a name of 1 to ${NAME_BYTES} bytes`);
  }
  return table === undefined ? { kind: 'into', name: into } : { kind: 'into', name: into, only: table };
}

/**
 * The database that receives rows only, and the tables; undefined without `--data-only`.
 *
 * @throws ConfigError for options that do not apply to that
 */
export function readRowsTarget({ dataOnly, ...flags }: RestoreFlags): AddRowsOptions | undefined {
  if (dataOnly === undefined) return undefined;
  const { into, table } = flags;
  if (table === undefined || into === undefined) {
    throw usage('--data-only needs --table and --into', 'add --table TABLE and --into DATABASE');
  }
  if (flags.jobs !== undefined) throw usage('--data-only uses a single connection', 'omit --jobs');
  if (!flags.owner) throw usage('--data-only creates nothing that has an owner', 'omit --no-owner');
  return { into, only: table };
}

/**
 * @param given the flags for settings
 * @throws ConfigError for those that this restore has no use for
 */
export function refuseUnreadFlags(flags: RestoreFlags, wanted: WantedDump, given: Invocation['flags']): void {
  const isNeverCompared = flags.table !== undefined && flags.audit === false;
  const unread = [
    ...(isNeverCompared ? ['--no-audit'] : []),
    ...unreadFlags(given, groupsRead(flags, wanted)),
  ].join(' and ');
  if (unread !== '') throw usage(`this restore has no use for ${unread}`, `omit ${unread}`);
}

/** The groups of settings that a restore reads. Rows are compared with media objects only if all are restored. */
function groupsRead({ table, into, audit }: RestoreFlags, { by }: WantedDump): readonly SettingGroup[] {
  const toRestore = by === 'file' ? FILE_RESTORE_GROUPS : RESTORE_GROUPS;
  if (table !== undefined || audit === false) return toRestore;
  if (into === undefined) return [...toRestore, ...AUDIT_GROUPS];
  return by === 'file' ? toRestore : [...toRestore, ...BACKUP_AUDIT_GROUPS];
}

/** Beyond this many connections, a server loses more than it gains. */
const MOST_JOBS = 64;

/** @throws ConfigError for anything but an accepted number of connections */
export function readJobs({ jobs }: Pick<RestoreFlags, 'jobs'>): number | undefined {
  if (jobs === undefined) return undefined;
  if (/^[1-9]\d?$/.test(jobs) && Number(jobs) <= MOST_JOBS) return Number(jobs);
  throw usage(
    `--jobs: ${JSON.stringify(jobs)} is not accepted`,
    `give a number of connections from 1 to ${MOST_JOBS}`,
  );
}

function readTime(text: string): Date {
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw usage(`--at: ${JSON.stringify(text)} is not accepted`, `give ${TIME_FORM}`);
}

function usage(problem: string, remedy: string): ConfigError {
  return new ConfigError({ doing: 'cannot restore', problem, remedy });
}
