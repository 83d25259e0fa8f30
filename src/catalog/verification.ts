import * as v from 'valibot';
import { NotFoundError } from '../errors.ts';
import { readListed } from '../s3/read-listed.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';

/** The shallowest first. */
const DEPTHS = ['quick', 'full', 'restore'] as const;

/** How deep a verification goes: what the server says of the object; every byte; restored and dumped again. */
export type Depth = (typeof DEPTHS)[number];

/** No record is read that is larger, in bytes; see {@link FAULTS_KEPT}. */
const RECORD_LIMIT = 1024 ** 2;

/** So many faults of a check are kept: the first ones tell where to look. */
const FAULTS_KEPT = 20;

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
  /** Of all faults, also those that are not kept. */
  faultCount: count,
});

const recordSchema = v.object({
  format: v.literal(1),
  id: text,
  /**
   * The object that was checked, as the listing has shown it: the dump, or the manifest where the dump is missing. Of
   * any other the record says nothing. One of the same name, ETag and size under another prefix is a copy of it.
   */
  key: text,
  etag: text,
  bytes: count,
  checks: v.pipe(v.array(checkSchema), v.minLength(1)),
});

/** One place where a backup is not what it should be. `where` is empty where it is the backup as a whole. */
export type Fault = v.InferOutput<typeof faultSchema>;

/** What one verification has found. Times are ISO 8601 UTC, sizes bytes. */
export type Check = v.InferOutput<typeof checkSchema>;

/**
 * What the verifications of a backup have found, as it lies beside the backup: the last check of each depth that no
 * later one of the same depth or a deeper one has made up for.
 */
export type VerificationRecord = v.InferOutput<typeof recordSchema>;

/** The record with one more check: it replaces those that are no deeper, and all that were of another object. */
export function addCheck(
  record: VerificationRecord | undefined,
  id: string,
  { key, etag, bytes }: ObjectInfo,
  check: Omit<Check, 'ok' | 'faultCount'>,
): VerificationRecord {
  const { faults } = check;
  const deeper = (record?.checks ?? []).filter(
    ({ depth }) => DEPTHS.indexOf(depth) > DEPTHS.indexOf(check.depth),
  );
  const added = { ...check, ok: faults.length === 0, faults: faults.slice(0, FAULTS_KEPT) };
  return { format: 1, id, key, etag, bytes, checks: [{ ...added, faultCount: faults.length }, ...deeper] };
}

/** What counts: the deepest check that has found a fault, for no shallower one clears it; else the deepest. */
export function decisiveCheck(record: VerificationRecord | undefined): Check | undefined {
  const deepestFirst = (record?.checks ?? []).toSorted(
    (a, b) => DEPTHS.indexOf(b.depth) - DEPTHS.indexOf(a.depth),
  );
  return deepestFirst.find(({ ok }) => !ok) ?? deepestFirst[0];
}

/** The check by which a backup is known to be faulty. */
export function faultyCheck(record: VerificationRecord | undefined): Check | undefined {
  const check = decisiveCheck(record);
  return check?.ok === false ? check : undefined;
}

/**
 * The check that has found bytes other than those that were dumped. It takes one that reads them: a quick one finds the
 * ETag of a copy, for with another size the backup is broken, and a restore that failed on some server says nothing of
 * them. Nor does what is wrong in the manifest alone.
 */
export function damagedCheck(record: VerificationRecord | undefined): Check | undefined {
  return record?.checks.find(
    ({ depth, ok, faults }) => depth === 'full' && !ok && faults.some(({ what }) => what !== 'manifest'),
  );
}

/** As it lies in the bucket: JSON that is indented for people. */
export function encodeRecord(record: VerificationRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, undefined, 1)}\n`);
}

/**
 * Reads a record. It is no part of the backup, so one that is gone, damaged or of a later version tells nothing and
 * keeps nobody from using the backup.
 */
export async function readRecord(
  store: Store,
  object: ObjectInfo,
  signal: AbortSignal,
): Promise<VerificationRecord | undefined> {
  if (object.bytes > RECORD_LIMIT) return undefined;
  try {
    const text = await readListed(store, object, signal);
    const parsed = v.safeParse(recordSchema, JSON.parse(String(text)));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What a check that found faults has to say, in one line. */
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
  return `${where === '' ? what : `${what} ${where}`}: expected ${expected}, found ${found}`;
}
