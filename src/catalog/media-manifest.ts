import * as v from 'valibot';
import { DumpError } from '../errors.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';
import { formatNumber, formatObjects } from '../ui/format.ts';
import type { Backup } from './backup.ts';
import { readGzippedLines } from './gzipped-lines.ts';
import type { Manifest } from './manifest.ts';

const REMEDY = 'delete it so that the dump itself is read';

const key = v.pipe(v.string(), v.minLength(1));
const objectSchema = v.object({
  key,
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  etag: v.string(),
  versionId: v.optional(v.string()),
});
const missingSchema = v.object({ key, missing: v.literal(true) });
const prefixSchema = v.object({ prefix: v.string() });
// Lists have a line for each object, and trying the wrong kind of line takes longer than parsing the right one.
const entrySchema = v.lazy((line: unknown) => {
  if (typeof line !== 'object' || line === null) return objectSchema;
  return 'missing' in line ? missingSchema : 'prefix' in line ? prefixSchema : objectSchema;
});
const lineSchema = v.pipe(v.string(), v.parseJson(), entrySchema);

/**
 * One line of the list of media beside a backup: an object that its rows own, with its version id if the bucket keeps
 * versions; a key that a row names but that has no object; or a prefix under which a row owns every object, each
 * existing one having a line of its own. Keys and prefixes are those in the bucket, in the order of their UTF-8
 * bytes; sizes are bytes.
 */
export type MediaEntry = v.InferOutput<typeof entrySchema>;

/** An object that a backup's rows own. */
export type MediaObject = Extract<MediaEntry, { bytes: number }>;

/** The list of media beside a backup, if it has one. */
export function mediaListOf({ companions }: Pick<Backup, 'companions'>): ObjectInfo | undefined {
  return companions.find(({ key }) => key.endsWith('.media.ndjson.gz'));
}

/** Whether a list was made without rows that may own objects, because these could not be read. */
export function lacksRows(media: Manifest['media']): boolean {
  return media !== undefined && 'sources' in media && media.sources?.length === 0;
}

/** What a list holds: objects, their total bytes, and keys that rows name without an object. */
export interface MediaCounts {
  objects: number;
  bytes: number;
  dangling: number;
}

/** Adds entries to the counts of a list. */
export function countMedia(counts: MediaCounts, entries: readonly MediaEntry[]): void {
  for (const entry of entries) {
    if ('missing' in entry) counts.dangling += 1;
    if (!('bytes' in entry)) continue;
    counts.objects += 1;
    counts.bytes += entry.bytes;
  }
}

/** The key or prefix by which entries are ordered. */
export function entryKey(entry: MediaEntry): string {
  return 'prefix' in entry ? entry.prefix : entry.key;
}

/** JSON, one entry per line. */
export function encodeMediaEntries(entries: readonly MediaEntry[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}

/**
 * Reads such a list; each batch holds the entries that arrive together.
 *
 * @param recorded what the backup's manifest says of its media: a list that holds anything else at its end is
 * another backup's, or lacks some
 * @throws NotFoundError if it does not exist, DumpError if it is damaged or not the one recorded, StoreError
 */
export async function* readMediaManifest(
  store: Store,
  objectKey: string,
  recorded: Manifest['media'],
  signal: AbortSignal,
): AsyncGenerator<readonly MediaEntry[]> {
  const doing = `cannot read the list of media ${objectKey}`;
  const words = { doing, remedy: REMEDY };
  const counts = { objects: 0, bytes: 0, dangling: 0 };
  for await (const lines of readGzippedLines(store, objectKey, words, signal)) {
    const entries = lines.map((line) => parseEntry(line, doing));
    countMedia(counts, entries);
    yield entries;
  }
  if (recorded === undefined || 'warning' in recorded || countsAgree(counts, recorded)) return;
  const problem = `it has ${describeMedia(counts)} where the manifest says ${describeMedia(recorded)}`;
  throw new DumpError({ doing, problem, remedy: REMEDY });
}

function countsAgree(found: MediaCounts, recorded: MediaCounts): boolean {
  return (['objects', 'bytes', 'dangling'] as const).every((count) => found[count] === recorded[count]);
}

/** `2 objects (1 KiB), and 1 key without one` */
export function describeMedia({ objects, bytes, dangling }: MediaCounts): string {
  const lacks = dangling === 0 ? '' : `, and ${formatNumber(dangling, 'key')} without one`;
  return `${formatObjects({ count: objects, bytes })}${lacks}`;
}

function parseEntry(line: Buffer, doing: string): MediaEntry {
  const parsed = v.safeParse(lineSchema, line.toString());
  if (parsed.success) return parsed.output;
  throw new DumpError({
    doing,
    problem: `a line does not match format 1 (${parsed.issues[0].message})`,
    remedy: REMEDY,
  });
}
