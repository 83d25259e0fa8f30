/** Compressions that a dump's name can indicate. */
export type Compression = 'gzip' | 'zstd' | 'custom';

const NAME = /^postgres-backup-(\d{14})\.([a-z.]+)$/;

const FORMS: readonly (readonly [ending: string, compression: Compression | null])[] = [
  ['sql', null],
  ['sql.gz', 'gzip'],
  ['sql.zst', 'zstd'],
  ['dump', 'custom'],
];

/** What an object of a backup is, as its name says. */
type ObjectPart =
  | { readonly part: 'manifest' | 'media' }
  /** A dump, or the record of what verifications of that dump found. */
  | { readonly part: 'dump' | 'verified'; readonly compression: Compression | null };

const PARTS: ReadonlyMap<string, ObjectPart> = new Map<string, ObjectPart>([
  ['manifest.json', { part: 'manifest' }],
  ['media.ndjson.gz', { part: 'media' }],
  ...FORMS.map(([ending, compression]) => [ending, { part: 'dump', compression }] as const),
  ...FORMS.map(
    ([, compression]) => [verifiedEnding(compression), { part: 'verified', compression }] as const,
  ),
]);

/** The name of an object of a backup. */
type ObjectName = ObjectPart & { readonly id: string };

/** @returns undefined for every object that is not ours; such an object is never touched */
export function parseObjectName(prefix: string, key: string): ObjectName | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const match = NAME.exec(key.slice(prefix.length));
  if (match?.[1] === undefined || match[2] === undefined || idTime(match[1]) === undefined) return undefined;
  const part = PARTS.get(match[2]);
  return part && { ...part, id: match[1] };
}

/** Whether an object is named like a part of a backup, under any prefix. */
export function isPartOfBackup(key: string): boolean {
  const at = key.lastIndexOf(keyStart(''));
  return at >= 0 && parseObjectName(key.slice(0, at), key) !== undefined;
}

/** What the keys of all backups' objects begin with, or those of one backup. */
export function keyStart(prefix: string, id?: string): string {
  return `${prefix}postgres-backup-${id === undefined ? '' : `${id}.`}`;
}

/** Key of a new backup's dump, which is not compressed. */
export function dumpKey(prefix: string, id: string): string {
  return `${keyStart(prefix, id)}sql`;
}

/** Key of the manifest, which is written last and makes the backup complete. */
export function manifestKey(prefix: string, id: string): string {
  return `${keyStart(prefix, id)}manifest.json`;
}

/** Key of the record of what verifications of a dump found; a backup without a dump counts as plain. */
export function verifiedKey(prefix: string, id: string, compression: Compression | null): string {
  return `${keyStart(prefix, id)}${verifiedEnding(compression)}`;
}

/** `verified.json`, or `sql.gz.verified.json`: there may be several dumps of one time. */
function verifiedEnding(compression: Compression | null): string {
  const ending = FORMS.find(([, known]) => known === compression)?.[0] ?? '';
  return compression === null ? 'verified.json' : `${ending}.verified.json`;
}

/** Key of the list of media that a backup's rows name. */
export function mediaKey(prefix: string, id: string): string {
  return `${keyStart(prefix, id)}media.ndjson.gz`;
}

/** The key of the object named like `other` and beside `key`, under the same prefix. */
export function keyBeside(key: string, other: string): string {
  return `${key.slice(0, key.lastIndexOf('/') + 1)}${other.slice(other.lastIndexOf('/') + 1)}`;
}

/** The id of a backup that begins at `time`: `YYYYMMDDhhmmss` in UTC. */
export function backupId(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(0, 14);
}

/** The time in an id; undefined if it is not an id. */
export function idTime(id: string): Date | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(id);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) || backupId(time) !== id ? undefined : time;
}

/** The name of a dump as in the bucket; undefined for any other file. */
export function dumpFile(name: string): string | undefined {
  return parseObjectName('', name)?.part === 'dump' ? name : undefined;
}

/**
 * The time in `postgres-backup-20261123103000.sql` or cookiecutter's `backup_2018_03_13T09_05_07.sql.gz`, as an id.
 */
export function fileTime(name: string): string | undefined {
  const match =
    /^postgres-backup-(\d{14})\./.exec(name) ??
    /^backup_(\d{4})_(\d\d)_(\d\d)T(\d\d)_(\d\d)_(\d\d)\./.exec(name);
  const id = match?.slice(1).join('');
  return id !== undefined && idTime(id) !== undefined ? id : undefined;
}
