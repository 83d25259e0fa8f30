import { compareKeyBytes, type KeyBytes, keyBytes, keyOf } from '../s3/key-bytes.ts';
import type { ObjectInfo } from '../s3/store.ts';
import { openCursor } from './cursor.ts';
import { furthest, isFolderMarker, isToCome } from './join-rules.ts';
import { refuseListingOrder, refuseRowOrder } from './order-errors.ts';
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
  /** An orphan that these backups need; told from the others behind the join. */
  | { readonly kind: 'protected'; readonly object: ObjectInfo; readonly backups: readonly string[] }
  | {
      readonly kind: 'shared';
      readonly key: string;
      /** Size of the object; 0 without one. */
      readonly bytes: number;
      /** Past the references that are shown, a row that names the key in two columns counts twice. */
      readonly rows: number;
      readonly references: readonly Reference[];
    };

interface JoinInputs {
  /** In the order of their keys' bytes, as are the objects. */
  readonly references: AsyncIterable<readonly Reference[]>;
  readonly objects: AsyncIterable<readonly ObjectInfo[]>;
  /** Whether all objects up to this key came: asked when a batch of them was empty. */
  readonly isListed?: (key: KeyBytes) => boolean;
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
  const rows = openCursor(inputs.references, ({ key }) => key, 'repeated', refuseRowOrder);
  const listed = openCursor(inputs.objects, ({ key }) => keyBytes(key), 'once', refuseListingOrder);
  // S3 tells the time of an object without the fraction of the second.
  const cutoff = Math.floor(inputs.cutoff.getTime() / 1000) * 1000;
  let found: Candidate[] = [];
  /** The prefix that covers the furthest of all that were passed. */
  let open: KeyBytes | undefined;
  /** Whether a row names the current object. */
  let named = false;
  let previous: Reference | undefined;
  let shared: SharedKey | undefined;

  try {
    await Promise.all([rows.more(), listed.nextBatch()]);
    while (rows.item !== undefined || !listed.ended) {
      const row = rows.item;
      const object = listed.item;
      if (isToCome(listed, row?.key, inputs.isListed)) {
        await listed.nextBatch();
        continue;
      }
      if (shared !== undefined && row?.key !== shared.key) {
        found.push({ ...shared, key: keyOf(shared.key) });
        shared = undefined;
      }
      const order =
        row === undefined ? 1 : listed.key === undefined ? -1 : compareKeyBytes(row.key, listed.key);

      if (row !== undefined && order <= 0) {
        if (row.kind === 'prefix') {
          open = furthest(open, row.key);
        } else {
          if (object === undefined || order < 0) {
            found.push({ kind: row.young ? 'pending' : 'dangling', reference: row });
          } else if (!named) {
            named = true;
            if (object.bytes === 0) found.push({ kind: 'empty', reference: row, object });
          }
          if (previous?.key === row.key && !(shared?.references ?? [previous]).some(isRowOf(row))) {
            const bytes = order === 0 ? (object?.bytes ?? 0) : 0;
            shared ??= { kind: 'shared', key: row.key, bytes, rows: 1, references: [previous] };
            shared.rows += 1;
            if (shared.references.length < ROWS_SHOWN) shared.references.push(row);
          }
          previous = row;
        }
        if (!rows.step()) await rows.more();
      } else if (object !== undefined && listed.key !== undefined) {
        const owned = named || (open !== undefined && listed.key.startsWith(open));
        if (!owned && !isFolderMarker(object) && object.lastModified.getTime() < cutoff) {
          found.push({ kind: 'orphan', object });
        }
        named = false;
        if (!listed.step()) await listed.nextBatch();
      }
      if (found.length >= BATCH) {
        yield found;
        found = [];
      }
    }
    if (shared !== undefined) found.push({ ...shared, key: keyOf(shared.key) });
    if (found.length > 0) yield found;
  } finally {
    await Promise.allSettled([rows.close(), listed.close()]);
  }
}

/** A key while its rows are counted. */
interface SharedKey {
  readonly kind: 'shared';
  readonly key: KeyBytes;
  readonly bytes: number;
  rows: number;
  readonly references: Reference[];
}

/** Whether another reference is of the same row, which may name a key in several columns. */
function isRowOf({ id, source }: Reference): (other: Reference) => boolean {
  const { schema, name } = source.relation;
  return (other) =>
    other.source !== source &&
    other.id === id &&
    other.source.relation.name === name &&
    other.source.relation.schema === schema;
}
