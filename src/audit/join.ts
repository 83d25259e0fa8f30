import { isPartOfBackup } from '../catalog/backup-name.ts';
import { type KeyBytes, keyOf } from '../s3/key-bytes.ts';
import type { ObjectInfo } from '../s3/store.ts';
import { isFolderMarker } from './join-rules.ts';
import { type MergeInputs, mergeByKey } from './merge.ts';
import type { Reference } from './references.ts';

/** Most rows that a shared key is reported with. */
const ROWS_SHOWN = 10;

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

interface JoinInputs extends MergeInputs<ObjectInfo> {
  /** An object written then or later may have its row yet to come, and is never an orphan. */
  readonly cutoff: Date;
}

/**
 * Where rows and objects disagree, and which keys several rows share, in the order of the keys' bytes.
 *
 * @throws StoreError, DatabaseError when one of them does not come in that order
 */
export function joinReferences(inputs: JoinInputs): AsyncGenerator<readonly Candidate[]> {
  // S3 tells the time of an object without the fraction of the second.
  const cutoff = Math.floor(inputs.cutoff.getTime() / 1000) * 1000;
  let shared: SharedKey | undefined;

  function endShared(found: Candidate[]): void {
    if (shared !== undefined) found.push({ ...shared, key: keyOf(shared.key) });
    shared = undefined;
  }

  return mergeByKey<ObjectInfo, Candidate>(inputs, {
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
      // Of a database beside this one, or from before S3_PREFIX was another.
      if (isPartOfBackup(object.key)) return;
      found.push({ kind: 'orphan', object });
    },
    onEnd: endShared,
  });
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
