import { placeholders } from './key-pattern.ts';

/** A: releases to 0.20 · B: 0.91 to 1.8 · C: from 1.50 of August 2024. */
export type Era = 'A' | 'B' | 'C';

/** Which objects the rows of a table own. */
export interface ReferenceSource {
  /** Eras that have it in their schema; empty if it does not distinguish them. */
  readonly eras: readonly Era[];
  /** Names that the table has had: `table` or `schema.table`. */
  readonly tables: readonly string[];
  readonly owned: OwnedKeys | OwnedPrefixes;
  /**
   * Columns with the time a row was written, under all their names; the latest counts. A row without one counts as
   * old.
   */
  readonly written: readonly string[];
  /** For one of AUDIT_REFERENCES: the database may lack its table or its columns. */
  readonly optional?: boolean | undefined;
}

/** One object for each column that holds its key; null or '' means no file. */
interface OwnedKeys {
  readonly kind: 'key';
  readonly columns: readonly string[];
  /** Goes between the media prefix and the key. */
  readonly under: string;
}

/** Every object under some prefixes; there need not be any. */
interface OwnedPrefixes {
  readonly kind: 'prefix';
  /** `{column}` is replaced by the value of the column. */
  readonly patterns: readonly string[];
  /** Applies only if the table has this column, and it holds text. */
  readonly beside?: string;
  /** Rows with a value in this column, if the table has it, own no prefix. */
  readonly unless?: string;
}

/** The columns by which a source says what a row owns. */
export function namedColumns(owned: ReferenceSource['owned']): readonly string[] {
  return owned.kind === 'key' ? owned.columns : owned.patterns.flatMap(placeholders);
}

/**
 * TopoBank's sources, from its models and migrations. Each is used if the database has its table and column, so that
 * a database between two releases is read with the sources of both. Whatever was renamed is given with all its names.
 * Keys and prefixes are relative to AWS_MEDIA_PREFIX.
 */
export const TOPOBANK_SOURCES: readonly ReferenceSource[] = [
  {
    // A: topographies/user_<uid>/<file> · B: topographies/<id>/{raw,nc,thumbnail}/<file> · C: no such columns
    eras: ['A', 'B'],
    tables: ['manager_topography'],
    owned: { kind: 'key', columns: ['datafile', 'squeezed_datafile', 'thumbnail'], under: '' },
    written: ['modification_datetime', 'creation_datetime'],
  },
  {
    // Deep-zoom tiles, thousands per topography. In C each tile has its own manifest.
    eras: ['B'],
    tables: ['manager_topography'],
    owned: { kind: 'prefix', patterns: ['topographies/{id}/dzi/'], beside: 'datafile' },
    written: [],
  },
  {
    // Results of analyses. In C the files of a result with a folder have their own manifests.
    eras: ['A', 'B', 'C'],
    tables: ['analysis_workflowresult', 'analysis_analysis'],
    owned: { kind: 'prefix', patterns: ['analyses/{id}/'], unless: 'folder_id' },
    written: [],
  },
  {
    // uploads/<id>/<file>, data-lake/<id>/<file>; rows from A and B keep their keys.
    eras: ['C'],
    tables: ['files_manifest'],
    owned: { kind: 'key', columns: ['file'], under: '' },
    written: [
      'updated_at',
      'updated',
      'created_at',
      'created',
      'confirmed_at',
      'upload_confirmed',
      'upload_finished',
    ],
  },
  {
    // Uploads in progress. The browser writes the object; the manifest gets its key when the upload is confirmed, or
    // when the file is first requested and found there, however much later.
    eras: ['C'],
    tables: ['files_manifest'],
    owned: { kind: 'prefix', patterns: ['uploads/{id}/', 'data-lake/{id}/'], unless: 'file' },
    written: [],
  },
  {
    // The download of a published surface, publications/<short url>/ce-<short url>.zip, since 2021.
    eras: [],
    tables: ['publication_publication'],
    owned: { kind: 'key', columns: ['container'], under: '' },
    written: ['datetime'],
  },
];

/** Columns that era B added to `manager_topography`, between 2022 and 2024. */
export const ERA_B_COLUMNS: readonly string[] = [
  'short_reliability_cutoff',
  'task_state',
  'bandwidth_lower',
  'creation_datetime',
];

/**
 * Names for the columns and patterns of the sources, without duplicates; equal columns and patterns have equal names.
 */
export function sourceNames(sources: readonly ReferenceSource[]): string[] {
  const names = sources.flatMap(({ tables, owned }) =>
    tables.flatMap((table) =>
      owned.kind === 'key'
        ? owned.columns.map(
            (column) => `${table}.${column}${owned.under === '' ? '' : ` under ${owned.under}`}`,
          )
        : owned.patterns.map((pattern) => `${table}: ${pattern}`),
    ),
  );
  return [...new Set(names)];
}
