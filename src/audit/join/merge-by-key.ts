import { compareKeyBytes, type KeyBytes, keyBytes } from '../../s3/key-bytes.ts';
import type { ObjectInfo } from '../../s3/store.ts';
import type { Reference } from '../rows/references.ts';
import { type Cursor, openCursor } from './cursor.ts';
import { furthest } from './furthest-prefix.ts';
import { refuseListingOrder, refuseRowOrder } from './order-errors.ts';

/** Results are yielded once there are this many. */
const BATCH = 500;

/** Rows and objects to be merged. */
export interface MergeInputs {
  /** In the order of their keys' bytes, as are the objects. */
  readonly references: AsyncIterable<readonly Reference[]>;
  readonly objects: AsyncIterable<readonly ObjectInfo[]>;
  /** Whether all objects up to this key have arrived; called after an empty batch of objects. */
  readonly isListed?: ((key: KeyBytes) => boolean) | undefined;
}

/**
 * Turns rows and objects into results, which it adds to `found`. Synchronous, because it is called for each of them.
 */
interface MergeVisitor<T> {
  /** Called for a prefix that reaches further than all before it. */
  onPrefix?(prefix: KeyBytes, found: T[]): void;
  /**
   * @param object the object that the row's key names; undefined if there is none
   * @param before the row before it, if that names the same key
   */
  onRow(row: Reference, object: ObjectInfo | undefined, before: Reference | undefined, found: T[]): void;
  /** Called after all rows that name the object. @param owner how a row owns it; undefined if none does */
  onObject(object: ObjectInfo, owner: 'key' | 'prefix' | undefined, found: T[]): void;
  onEnd?(found: T[]): void;
}

/**
 * Merges rows and objects in one pass, holding only the current batch of each and the open prefix. Keys are compared
 * by their UTF-8 bytes, as S3 lists them, which is not how JavaScript compares strings.
 *
 * @throws StoreError, DatabaseError if objects or rows do not come in that order
 */
export async function* mergeByKey<T>(
  { references, objects, isListed }: MergeInputs,
  visitor: MergeVisitor<T>,
): AsyncGenerator<readonly T[]> {
  const rows = openCursor(references, ({ key }) => key, 'repeated', refuseRowOrder);
  const listed = openCursor(objects, ({ key }) => keyBytes(key), 'once', refuseListingOrder);
  let found: T[] = [];
  /** The prefix that reaches furthest of those passed so far. */
  let open: KeyBytes | undefined;
  /** The last row that named a key. */
  let last: Reference | undefined;
  try {
    await Promise.all([rows.more(), listed.nextBatch()]);
    while (rows.item !== undefined || !listed.ended) {
      const row = rows.item;
      const { item: object, key } = listed;
      if (isToCome(listed, row?.key, isListed)) {
        await listed.nextBatch();
        continue;
      }
      const order = row === undefined ? 1 : key === undefined ? -1 : compareKeyBytes(row.key, key);
      if (row !== undefined && order <= 0) {
        if (row.kind === 'prefix') {
          const before = open;
          open = furthest(before, row.key);
          if (open !== before) visitor.onPrefix?.(open, found);
        } else {
          const before = last?.key === row.key ? last : undefined;
          visitor.onRow(row, order === 0 ? object : undefined, before, found);
          last = row;
        }
        if (!rows.step()) await rows.more();
      } else if (object !== undefined && key !== undefined) {
        const covered = open !== undefined && key.startsWith(open);
        visitor.onObject(object, last?.key === key ? 'key' : covered ? 'prefix' : undefined, found);
        if (!listed.step()) await listed.nextBatch();
      }
      if (found.length >= BATCH) {
        yield found;
        found = [];
      }
    }
    visitor.onEnd?.(found);
    if (found.length > 0) yield found;
  } finally {
    await Promise.allSettled([rows.close(), listed.close()]);
  }
}

/**
 * Whether more of the listing is needed to know which object a row has.
 *
 * @param row the key of the current row; undefined if there is none
 */
function isToCome(
  listed: Pick<Cursor<ObjectInfo>, 'item' | 'ended'>,
  row: KeyBytes | undefined,
  isListed: ((key: KeyBytes) => boolean) | undefined,
): boolean {
  if (listed.item !== undefined || listed.ended) return false;
  return row === undefined || !isListed?.(row);
}
