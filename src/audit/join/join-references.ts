import { isPartOfBackup } from '../../catalog/backup-name.ts';
import { isFolderMarker } from '../../s3/folder-marker.ts';
import { type KeyBytes, keyOf } from '../../s3/key-bytes.ts';
import type { ObjectInfo } from '../../s3/store.ts';
import type { Reference } from '../rows/references.ts';
import { type MergeInputs, mergeByKey } from './merge-by-key.ts';

/** Maximum number of rows reported for a shared key. */
const ROWS_SHOWN = 10;

/** A result of joining rows and objects, before checking whether the row has changed in the meantime. */
export type Candidate =
  | { readonly kind: 'dangling' | 'pending'; readonly reference: Reference }
  | { readonly kind: 'empty'; readonly reference: Reference; readonly object: ObjectInfo }
  | { readonly kind: 'orphan'; readonly object: ObjectInfo }
  /** An orphan that these backups need; distinguished from the others after the join. */
  | { readonly kind: 'protected'; readonly object: ObjectInfo; readonly backups: readonly string[] }
  | {
      readonly kind: 'shared';
      readonly key: string;
      /** Size of the object; 0 without one. */
      readonly bytes: number;
      /** Beyond the references shown, a row that names the key in two columns counts twice. */
      readonly rows: number;
      readonly references: readonly Reference[];
    };

interface JoinInputs extends MergeInputs {
  /** An object written at this time or later may not have its row yet, and is never an orphan. */
  readonly cutoff: Date;
}

/**
 * Finds where rows and objects disagree, and which keys several rows share, in the order of the keys' bytes.
 *
 * @throws StoreError, DatabaseError if objects or rows do not come in that order
 */
export function joinReferences(inputs: JoinInputs): AsyncGenerator<readonly Candidate[]> {
  // S3 reports the time of an object in whole seconds.
  const cutoff = Math.floor(inputs.cutoff.getTime() / 1000) * 1000;
  let shared: SharedKey | undefined;

  function endShared(found: Candidate[]): void {
    if (shared !== undefined) found.push({ ...shared, key: keyOf(shared.key) });
    shared = undefined;
  }

  return mergeByKey<Candidate>(inputs, {
    onRow(row, object, before, found) {
      if (before === undefined) endShared(found);
      if (object === undefined) {
        found.push({ kind: row.young ? 'pending' : 'dangling', reference: row });
      } else if (before === undefined && object.bytes === 0) {
        found.push({ kind: 'empty', reference: row, object });
      }
      if (before !== undefined && !(shared?.references ?? [before]).some(isRowOf(row))) {
        const bytes = object?.bytes ?? 0;
        shared ??= { kind: 'shared', key: row.key, bytes, rows: 1, references: [before] };
        shared.rows += 1;
        if (shared.references.length < ROWS_SHOWN) shared.references.push(row);
      }
    },
    onObject(object, owner, found) {
      endShared(found);
      if (owner !== undefined || isFolderMarker(object) || object.lastModified.getTime() >= cutoff) return;
      // A backup of another database, or from before S3_PREFIX was changed.
      if (isPartOfBackup(object.key)) return;
      found.push({ kind: 'orphan', object });
    },
    onEnd: endShared,
  });
}

/** A shared key while its rows are being counted. */
interface SharedKey {
  readonly kind: 'shared';
  readonly key: KeyBytes;
  readonly bytes: number;
  rows: number;
  readonly references: Reference[];
}

/** Whether another reference is from the same row, which may name a key in several columns. */
function isRowOf({ id, source }: Reference): (other: Reference) => boolean {
  const { schema, name } = source.relation;
  return (other) =>
    other.source !== source &&
    other.id === id &&
    other.source.relation.name === name &&
    other.source.relation.schema === schema;
}
