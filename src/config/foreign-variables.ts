import { type ConfigSources, listGiven } from './given.ts';
import { SETTINGS, type SettingName } from './settings.ts';

/** A variable of go-s3-backup, or of the AWS SDK, that nothing here reads. */
interface ForeignVariable {
  readonly name: string;
  /** A switch requests something only if it is on; go-s3-backup parses it as Go does. */
  readonly isSwitch?: true;
  /** The setting that has its meaning here; if that is given too, nothing is to be warned of. */
  readonly unless?: SettingName;
  /** What is done instead. */
  readonly instead: string;
}

const PLAIN = 'dumps are stored as plain SQL; .sql.gz and .dump can be restored and pushed';
const NAMES =
  'dumps are named postgres-backup-TIME.sql; use S3_PREFIX to separate databases that share a bucket';
const ONE_DATABASE = 'all of POSTGRES_DB is dumped; run a separate service for each additional database';
const NO_DISK = 'dumps are streamed and never stored on disk; `topobank-backup fetch` downloads one';

/**
 * go-s3-backup's variables for PostgreSQL and S3 (its README, and cmd/go-s3-backup/*.go), except those that are
 * settings here.
 */
const FOREIGN: readonly ForeignVariable[] = [
  { name: 'DATABASE_COMPRESS', isSwitch: true, instead: PLAIN },
  { name: 'POSTGRES_CUSTOM_FORMAT', isSwitch: true, instead: PLAIN },
  { name: 'SAVE_DIR', instead: NO_DISK },
  { name: 'S3_KEEP_FILE', isSwitch: true, instead: NO_DISK },
  { name: 'DATABASE_FILENAME_PREFIX', instead: NAMES },
  { name: 'DATABASE_NAME_AS_PREFIX', isSwitch: true, instead: NAMES },
  { name: 'RESTORE_PREFIX', instead: NAMES },
  { name: 'POSTGRES_BACKUP_PER_SCHEMA', isSwitch: true, instead: ONE_DATABASE },
  { name: 'POSTGRES_BACKUP_SCHEMAS', instead: ONE_DATABASE },
  { name: 'POSTGRES_BACKUP_EXCLUDE_SCHEMAS', instead: ONE_DATABASE },
  { name: 'POSTGRES_BACKUP_PER_USER', isSwitch: true, instead: ONE_DATABASE },
  { name: 'POSTGRES_BACKUP_USERS', instead: ONE_DATABASE },
  { name: 'POSTGRES_BACKUP_EXCLUDE_USERS', instead: ONE_DATABASE },
  { name: 'POSTGRES_EXCLUDE_DATABASES', instead: ONE_DATABASE },
  {
    name: 'DATABASE_OPTIONS',
    instead:
      'pg_dump runs with the options that the manifest and checks rely on; for the connection, set PGOPTIONS, PGSSLMODE, …',
  },
  {
    name: 'DATABASE_IGNORE_EXIT_CODE',
    isSwitch: true,
    instead: 'a failed restore is an error and leaves the old database in place',
  },
  {
    name: 'POSTGRES_DROP',
    isSwitch: true,
    instead: 'a restore always replaces the database, after the new one has been completed and checked',
  },
  {
    name: 'POSTGRES_OWNER',
    instead: 'a restored database keeps its owner; `restore --no-owner` makes POSTGRES_USER the owner',
  },
  { name: 'POSTGRES_VERSION', instead: 'pg_dump is chosen to match the server’s version' },
  ...['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'].map((name) => ({
    name,
    unless: 'endpoint' as const,
    instead: 'the server’s address is AWS_S3_ENDPOINT_URL; without it, AWS is used',
  })),
  {
    name: 'AWS_SHARED_CREDENTIALS_FILE',
    instead:
      'keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from files named by these variables with _FILE appended',
  },
];

/** Whether a variable is one of these. */
export function isForeignVariable(name: string): boolean {
  return FOREIGN.some((variable) => variable.name === name);
}

/** One warning for each such variable that is set, requests something, and has no effect here. */
export function foreignVariables(sources: ConfigSources): string[] {
  return FOREIGN.flatMap(({ name, isSwitch, unless, instead }) => {
    if (unless !== undefined && listGiven(SETTINGS[unless], sources).length > 0) return [];
    const value = sources.env[name]?.trim() ?? '';
    const asks = isSwitch ? /^(1|t|true)$/i.test(value) : value !== '';
    return asks ? [`${name} has no effect here: ${instead}`] : [];
  });
}
