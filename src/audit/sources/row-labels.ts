import pg from 'pg';
import { isTable, quoteTable, type Relation, type Relations } from '../../postgres/relations.ts';

const quote = pg.escapeIdentifier;

/** What people know a row by, as far as it can be determined. */
export interface Labels {
  readonly topography: string | null;
  readonly surface: string | null;
  /** Name of the user. */
  readonly owner: string | null;
}

/** The tables that labels come from, under all their names. */
export const LABEL_TABLES = ['manager_measurement', 'manager_topography', 'manager_surface', 'users_user'];

/** How a file's manifest belongs to a measurement or a surface: directly, or through a folder. */
export const LINKS = {
  measurement: {
    id: [
      'datafile_id',
      'squeezed_datafile_id',
      'thumbnail_id',
      // Used while files are migrated from era B to C.
      'datafile_manifest_id',
      'squeezed_datafile_manifest_id',
      'thumbnail_manifest_id',
    ],
    folder_id: ['deepzoom_id', 'attachments_id'],
  },
  surface: { folder_id: ['attachments_id'] },
} as const;

/** The user that a surface belongs to. */
export const OWNER_COLUMNS = ['created_by_id', 'creator_id'];

/** The user that wrote a row, which counts where it belongs to no surface. */
export const WRITER_COLUMNS = ['created_by_id', 'uploaded_by_id', 'creator_id', 'publisher_id'];

/**
 * Joins row `r` with its measurement, surface and owner, as far as the database has them.
 *
 * @returns SQL: {@link Labels} as columns, and the joins that they are read from
 */
export function labelJoins(
  relation: Relation,
  relations: Relations,
): { readonly columns: string; readonly joins: string } {
  // Another schema's table of such a name may be about something else, and no audit ends for lack of a label.
  const beside = (name: string) => {
    const table = relations.get(name)?.find((other) => other.schema === relation.schema && isTable(other));
    return table && readablePart(table);
  };
  const measurement = beside('manager_measurement') ?? beside('manager_topography');
  const surface = beside('manager_surface');
  const user = beside('users_user');
  const joins: string[] = [];
  const surfaceIds: string[] = [];
  const ownerIds: string[] = [];

  let topographyName = 'NULL';
  if (measurement !== undefined) {
    const found =
      relation.name === measurement.name
        ? [`SELECT r.name, r.surface_id`]
        : linkSelects(relation, measurement, LINKS.measurement, 'x.name, x.surface_id');
    if (found.length > 0 && has(measurement, 'name', 'surface_id')) {
      joins.push(lateral('m', found));
      topographyName = 'm.name';
      surfaceIds.push('m.surface_id');
    }
  }
  let surfaceName = 'NULL';
  if (surface !== undefined && has(surface, 'id', 'name')) {
    const attached = linkSelects(relation, surface, LINKS.surface, 'x.id');
    if (attached.length > 0) {
      joins.push(lateral('a', attached));
      surfaceIds.push('a.id');
    }
    if (relation.columns.has('surface_id') && relation.name !== measurement?.name)
      surfaceIds.push('r.surface_id');
    if (surfaceIds.length > 0) {
      joins.push(`LEFT JOIN ${quoteTable(surface)} AS s ON s.id = coalesce(${surfaceIds.join(', ')})`);
      surfaceName = 's.name';
      const owner = OWNER_COLUMNS.find((column) => surface.columns.has(column));
      if (owner !== undefined) ownerIds.push(`s.${owner}`);
    }
  }
  let ownerName = 'NULL';
  const writer = WRITER_COLUMNS.find((column) => relation.columns.has(column));
  if (writer !== undefined) ownerIds.push(`r.${writer}`);
  if (user !== undefined && has(user, 'id', 'username') && ownerIds.length > 0) {
    joins.push(`LEFT JOIN ${quoteTable(user)} AS u ON u.id = coalesce(${ownerIds.join(', ')})`);
    ownerName = 'u.username';
  }
  return {
    columns: `${topographyName} AS topography, ${surfaceName} AS surface, ${ownerName} AS owner`,
    joins: joins.join('\n'),
  };
}

/** A table as if it had only the columns that the role may read. */
function readablePart(relation: Relation): Relation {
  const { columns, unreadable } = relation;
  return { ...relation, columns: new Map([...columns].filter(([column]) => !unreadable.has(column))) };
}

/** Selects the rows of `target` that point at row `r`, one SELECT for each pointer, so that each uses its index. */
function linkSelects(
  relation: Relation,
  target: Relation,
  links: Readonly<Record<string, readonly string[]>>,
  columns: string,
): string[] {
  if (relation.name !== 'files_manifest') return [];
  return Object.entries(links).flatMap(([own, pointers]) =>
    pointers
      .filter((pointer) => relation.columns.has(own) && target.columns.has(pointer))
      .map(
        (pointer) => `SELECT ${columns} FROM ${quoteTable(target)} AS x WHERE x.${quote(pointer)} = r.${own}`,
      ),
  );
}

function lateral(alias: string, selects: readonly string[]): string {
  return `LEFT JOIN LATERAL (${selects.join('\n UNION ALL ')} LIMIT 1) AS ${alias} ON true`;
}

function has(relation: Relation, ...columns: readonly string[]): boolean {
  return columns.every((column) => relation.columns.has(column));
}
