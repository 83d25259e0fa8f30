import { DatabaseError, StoreError } from '../errors.ts';
import type { ObjectInfo } from '../s3/store.ts';
import type { Reference } from './references.ts';

/** Most rows that a shared key is reported with. */
const ROWS_SHOWN = 10;

/** Candidates that are handed on together. */
const BATCH = 500;

/** What the join of rows and objects shows, before it is asked whether a row has changed meanwhile. */
export type Candidate =
  | { readonly kind: 'dangling' | 'pending'; readonly reference: Reference }
  | { readonly kind: 'empty'; readonly reference: Reference; readonly object: ObjectInfo }
  | { readonly kind: 'orphan'; readonly object: ObjectInfo }
  | { readonly kind: 'protected'; readonly object: ObjectInfo; readonly backups: readonly string[] }
  | {
      readonly kind: 'shared';
      readonly key: string;
      /** Size of the object; 0 without one. */
      readonly bytes: number;
      readonly rows: number;
      readonly references: readonly Reference[];
    };

/** A key that kept backups name. */
export interface ProtectedKey {
  readonly key: Buffer;
  /** Ids of the backups. */
  readonly backups: readonly string[];
}

export interface JoinInputs {
  /** In the order of their keys' bytes, as are the others. */
  readonly references: AsyncIterable<readonly Reference[]>;
  readonly objects: AsyncIterable<readonly ObjectInfo[]>;
  /** Each key once. */
  readonly protectedKeys: AsyncIterable<readonly ProtectedKey[]>;
  /** An object written then or later may have its row yet to come, and is never an orphan. */
  readonly cutoff: Date;
}

/**
 * Merges rows and objects in one pass; in memory are the current item of each and the prefix that is open. Keys are
 * compared by their UTF-8 bytes, as S3 lists them, which is not how JavaScript compares strings.
 *
 * @throws StoreError, DatabaseError when one of them does not come in that order
 */
export async function* joinReferences(inputs: JoinInputs): AsyncGenerator<readonly Candidate[]> {
  const rows = openCursor(inputs.references, ({ key }) => key, 'repeated', refuseRows);
  const listed = openCursor(inputs.objects, ({ key }) => Buffer.from(key), 'once', refuseListing);
  const kept = openCursor(inputs.protectedKeys, ({ key }) => key, 'once', refuseKept);
  // S3 tells the time of an object without the fraction of the second.
  const cutoff = Math.floor(inputs.cutoff.getTime() / 1000) * 1000;
  let found: Candidate[] = [];
  /** The prefix that covers the furthest of all that were passed. */
  let open: Buffer | undefined;
  /** Whether a row names the current object. */
  let named = false;
  let previous: Reference | undefined;
  let shared: SharedKey | undefined;

  try {
    await Promise.all([rows.more(), listed.more(), kept.more()]);
    while (rows.item !== undefined || listed.item !== undefined) {
      const row = rows.item;
      const object = listed.item;
      if (shared !== undefined && !row?.key.equals(shared.key)) {
        found.push({ ...shared, key: shared.key.toString() });
        shared = undefined;
      }
      const order =
        row === undefined ? 1 : listed.key === undefined ? -1 : Buffer.compare(row.key, listed.key);

      if (row !== undefined && order <= 0) {
        if (row.kind === 'prefix') {
          if (open === undefined || !startsWith(row.key, open)) open = row.key;
        } else {
          if (object === undefined || order < 0) {
            found.push({ kind: row.young ? 'pending' : 'dangling', reference: row });
          } else if (!named) {
            named = true;
            if (object.bytes === 0) found.push({ kind: 'empty', reference: row, object });
          }
          if (previous?.key.equals(row.key)) {
            const bytes = order === 0 ? (object?.bytes ?? 0) : 0;
            shared ??= { kind: 'shared', key: row.key, bytes, rows: 1, references: [previous] };
            shared.rows += 1;
            if (shared.references.length < ROWS_SHOWN) shared.references.push(row);
          }
          previous = row;
        }
        if (!rows.step()) await rows.more();
      } else if (object !== undefined && listed.key !== undefined) {
        const owned = named || (open !== undefined && startsWith(listed.key, open));
        if (!owned && !isFolderMarker(object) && object.lastModified.getTime() < cutoff) {
          while (kept.key !== undefined && Buffer.compare(kept.key, listed.key) < 0) {
            if (!kept.step()) await kept.more();
          }
          found.push(
            kept.item?.key.equals(listed.key)
              ? { kind: 'protected', object, backups: kept.item.backups }
              : { kind: 'orphan', object },
          );
        }
        named = false;
        if (!listed.step()) await listed.more();
      }
      if (found.length >= BATCH) {
        yield found;
        found = [];
      }
    }
    if (shared !== undefined) found.push({ ...shared, key: shared.key.toString() });
    if (found.length > 0) yield found;
  } finally {
    await Promise.allSettled([rows.close(), listed.close(), kept.close()]);
  }
}

/** A key while its rows are counted. */
interface SharedKey {
  readonly kind: 'shared';
  readonly key: Buffer;
  readonly bytes: number;
  rows: number;
  readonly references: Reference[];
}

function startsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** What consoles and mounted buckets put for a folder; no application's file. */
function isFolderMarker({ key, bytes }: ObjectInfo): boolean {
  return bytes === 0 && key.endsWith('/');
}

/** One item at a time of an iterable of batches, without a promise for each. */
interface Cursor<T> {
  readonly item: T | undefined;
  /** Its key; undefined at the end. */
  readonly key: Buffer | undefined;
  /** Goes to the next item of the batch; false when {@link more} has to be awaited for it. */
  step(): boolean;
  /** Goes to the first item of the next batch. */
  more(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param keys whether a key may come again
 * @param refuse makes the error for a key that comes after a greater one
 */
function openCursor<T>(
  batches: AsyncIterable<readonly T[]>,
  keyOf: (item: T) => Buffer,
  keys: 'once' | 'repeated',
  refuse: (key: Buffer, after: Buffer) => Error,
): Cursor<T> {
  const iterator = batches[Symbol.asyncIterator]();
  let batch: readonly T[] = [];
  let at = 0;
  let item: T | undefined;
  let key: Buffer | undefined;

  function take(next: T): void {
    const before = key;
    item = next;
    key = keyOf(next);
    if (before === undefined) return;
    const order = Buffer.compare(key, before);
    if (order < 0 || (order === 0 && keys === 'once')) throw refuse(key, before);
  }

  return {
    get item() {
      return item;
    },
    get key() {
      return key;
    },
    step() {
      at += 1;
      const next = batch[at];
      if (next === undefined) return false;
      take(next);
      return true;
    },
    async more() {
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) {
          item = undefined;
          key = undefined;
          batch = [];
          return;
        }
        batch = next.value;
        at = 0;
        if (batch[0] !== undefined) return take(batch[0]);
      }
    },
    async close() {
      await iterator.return?.();
    },
  };
}

const JOINING = 'cannot join rows and objects';

function describeOrder(key: Buffer, after: Buffer): string {
  return `${JSON.stringify(String(key))} after ${JSON.stringify(String(after))}, which is not the order of their bytes`;
}

function refuseRows(key: Buffer, after: Buffer): DatabaseError {
  return new DatabaseError({ doing: JOINING, problem: `the database sent ${describeOrder(key, after)}` });
}

function refuseListing(key: Buffer, after: Buffer): StoreError {
  return new StoreError({
    doing: JOINING,
    problem: `the S3 server listed ${describeOrder(key, after)}`,
    remedy: 'use a bucket whose listings are ordered (AWS directory buckets are not)',
  });
}

function refuseKept(key: Buffer, after: Buffer): StoreError {
  return new StoreError({
    doing: JOINING,
    problem: `a backup’s media manifest has ${describeOrder(key, after)}`,
  });
}
