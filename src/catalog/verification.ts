import * as v from 'valibot';
import { NotFoundError } from '../errors.ts';
import { isArchived } from '../s3/errors.ts';
import { readListed } from '../s3/read-listed.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';
import { formatExcerpt, formatHash } from '../ui/format.ts';

/** Shallowest first. */
const DEPTHS = ['quick', 'full', 'restore'] as const;

/** How deep a verification goes: what the server says about the object; every byte; restored and dumped again. */
export type Depth = (typeof DEPTHS)[number];

/** Largest record that is read, in bytes; one that keeps to {@link FAULTS_KEPT} and {@link TEXT_KEPT} is smaller. */
const RECORD_LIMIT = 1024 ** 2;

/**
 * How many faults of a check are kept, the first ones, which show where to look; and how many characters of each
 * text.
 */
const FAULTS_KEPT = 20;
const TEXT_KEPT = 500;

const text = v.string();
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const faultSchema = v.object({
  what: v.picklist([
    'manifest',
    'object',
    'length',
    'structure',
    'section',
    'table',
    'tables',
    'schema',
    'restore',
  ]),
  where: text,
  expected: text,
  found: text,
});

const checkSchema = v.object({
  depth: v.picklist(DEPTHS),
  /** When it ended. */
  at: v.pipe(text, v.isoTimestamp()),
  /** Name and version of the program that checked. */
  tool: text,
  ok: v.boolean(),
  checked: v.object({ bytes: count, tables: count, rows: count }),
  faults: v.array(faultSchema),
  /** Number of all faults, including those not kept. */
  faultCount: count,
});

const recordSchema = v.object({
  format: v.literal(1),
  id: text,
  /**
   * The object checked, as the listing showed it: the dump, or the manifest if the dump is missing. The record says
   * nothing about any other object. One with the same name, ETag and size under another prefix is a copy of it.
   */
  key: text,
  etag: text,
  bytes: count,
  checks: v.pipe(v.array(checkSchema), v.minLength(1)),
});

/** A place where a backup is not what it should be. `where` is empty if that is the backup as a whole. */
export type Fault = v.InferOutput<typeof faultSchema>;

/** What one verification found. Times are ISO 8601 UTC, sizes bytes. */
export type Check = v.InferOutput<typeof checkSchema>;

/** A check that is not recorded yet. */
export type NewCheck = Omit<Check, 'ok' | 'faultCount'>;

/**
 * What the verifications of a backup found, as stored beside it: the last check of each depth, unless a later one of
 * the same or greater depth supersedes it.
 */
export type VerificationRecord = v.InferOutput<typeof recordSchema>;

/** The record with one more check, which replaces those that are no deeper, and all that were of another object. */
export function addCheck(
  record: VerificationRecord | undefined,
  id: string,
  { key, etag, bytes }: ObjectInfo,
  check: NewCheck,
): VerificationRecord {
  const { faults } = check;
  const deeper = (record?.checks ?? []).filter(
    ({ depth }) => DEPTHS.indexOf(depth) > DEPTHS.indexOf(check.depth),
  );
  const added = { ...check, ok: faults.length === 0, faults: faults.slice(0, FAULTS_KEPT).map(shorten) };
  return { format: 1, id, key, etag, bytes, checks: [{ ...added, faultCount: faults.length }, ...deeper] };
}

function shorten({ what, where, expected, found }: Fault): Fault {
  const cut = (text: string) => formatExcerpt(text, TEXT_KEPT);
  return { what, where: cut(where), expected: cut(expected), found: cut(found) };
}

/** The check that counts: the deepest that found a fault, since no shallower one clears it; otherwise the deepest. */
export function decisiveCheck(record: VerificationRecord | undefined): Check | undefined {
  const deepestFirst = (record?.checks ?? []).toSorted(
    (a, b) => DEPTHS.indexOf(b.depth) - DEPTHS.indexOf(a.depth),
  );
  return deepestFirst.find(({ ok }) => !ok) ?? deepestFirst[0];
}

/** The check that found a backup faulty, if it is. */
export function faultyCheck(record: VerificationRecord | undefined): Check | undefined {
  const check = decisiveCheck(record);
  return check?.ok === false ? check : undefined;
}

/**
 * The check that found bytes other than those that were dumped. Only a check that reads them can: a fault of a quick
 * one is the ETag of a copy, since a different size would make the backup broken, and a restore that failed on some
 * server says nothing about the bytes. Nor does a fault in the manifest alone.
 */
export function damagedCheck(record: VerificationRecord | undefined): Check | undefined {
  return record?.checks.find(
    ({ depth, ok, faults }) => depth === 'full' && !ok && faults.some(({ what }) => isOfBytes(what)),
  );
}

/** Whether a fault is in the dump's bytes: not in what is known about them, nor in what a server makes of them. */
export function isOfBytes(what: Fault['what']): boolean {
  return what !== 'manifest' && what !== 'restore';
}

/**
 * Whether the rows of the tables are right, but the manifest's checkpoints, by which pieces are read, are not. A quick
 * check only finds that there is no usable manifest.
 */
export function hasWrongCheckpoints(record: VerificationRecord | undefined): boolean {
  return (record?.checks ?? []).some(
    ({ depth, faults }) => depth !== 'quick' && faults.some(({ what }) => what === 'manifest'),
  );
}

/** As stored in the bucket: JSON, indented for people. */
export function encodeRecord(record: VerificationRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, undefined, 1)}\n`);
}

/** The result of reading a record. */
export type RecordRead =
  | { readonly kind: 'record'; readonly record: VerificationRecord }
  | { readonly kind: 'none' }
  /** There is one, but what it says is unknown. */
  | { readonly kind: 'unread'; readonly reason: string };

/**
 * Reads a record. It is not part of the backup, so a record that is damaged or of a later version does not prevent
 * the backup's use; but then the backup is not known to be free of faults either.
 */
export async function readRecord(store: Store, object: ObjectInfo, signal: AbortSignal): Promise<RecordRead> {
  const unread = (problem: string) =>
    ({ kind: 'unread', reason: `the record of its verifications, ${object.key}, ${problem}` }) as const;
  if (object.bytes > RECORD_LIMIT) return unread('is too large to be one');
  try {
    const text = await readListed(store, object, signal);
    if (!Buffer.isBuffer(text)) return unread(text.problem);
    const parsed = v.safeParse(recordSchema, JSON.parse(text.toString()));
    return parsed.success ? { kind: 'record', record: parsed.output } : unread('is not of format 1');
  } catch (error) {
    if (error instanceof NotFoundError) return { kind: 'none' };
    if (error instanceof SyntaxError) return unread('is not JSON');
    if (isArchived(error)) return unread('is in an archive');
    throw error;
  }
}

/** Summarises a check that found faults, in one line. */
export function describeFaults({
  faults: [first],
  faultCount,
}: {
  readonly faults: readonly Fault[];
  readonly faultCount: number;
}): string {
  const more = faultCount > 1 ? ` (and ${faultCount - 1} more)` : '';
  return first === undefined ? 'a fault' : `${faultLine(first)}${more}`;
}

/** A fault in one line: `table public.surface, bytes 900 to 5000: expected 10 rows, found 9 rows` */
export function faultLine({ what, where, expected, found }: Fault): string {
  return `${where === '' ? what : `${what} ${where}`}: expected ${formatHash(expected)}, found ${formatHash(found)}`;
}
