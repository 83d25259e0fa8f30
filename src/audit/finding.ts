import type { Labels } from './sources/row-labels.ts';

/** All kinds, in the order in which they are shown. */
export const KINDS = ['dangling', 'orphan', 'pending', 'empty', 'shared', 'protected'] as const;

/** See {@link Finding} for what each one means. */
export type FindingKind = (typeof KINDS)[number];

/** A row's place in the database. */
export interface RowPlace {
  /** `table`, or `schema.table` outside schema public. */
  readonly table: string;
  readonly column: string;
  readonly primaryKey: string;
}

/** A finding about an object, or about a missing one. Keys are those in the bucket; sizes are bytes. */
export type Finding =
  /** A row whose object is missing; `pending` while the row is younger than the grace period. */
  | ({ readonly kind: 'dangling' | 'pending'; readonly key: string } & RowPlace & Labels)
  /** An object that no row owns. */
  | {
      readonly kind: 'orphan';
      readonly key: string;
      readonly bytes: number;
      readonly lastModified: string;
      readonly etag: string;
    }
  /** An object of 0 bytes that a row names. */
  | ({
      readonly kind: 'empty';
      readonly key: string;
      readonly bytes: 0;
      readonly lastModified: string;
    } & RowPlace &
      Labels)
  /** A key that several rows name; `references` are the first of them. */
  | {
      readonly kind: 'shared';
      readonly key: string;
      readonly bytes: number;
      readonly rows: number;
      readonly references: readonly RowPlace[];
    }
  /** An object that no row owns, but that these backups need. */
  | {
      readonly kind: 'protected';
      readonly key: string;
      readonly bytes: number;
      readonly lastModified: string;
      readonly backups: readonly string[];
    };

/** Takes findings as they are made, in the order of their keys. */
export interface FindingSink {
  write(findings: readonly Finding[]): Promise<void>;
}
