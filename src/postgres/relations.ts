import pg from 'pg';

/** A table as the catalogs describe it. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  /**
   * Column names, each with its type as PostgreSQL prints it, `character varying(512)`; for a domain, its base type.
   */
  readonly columns: ReadonlyMap<string, string>;
  /** Columns of the primary key, in key order; empty without one. */
  readonly primaryKey: readonly string[];
  /** Whether the connection's role may read whole rows of it. */
  readonly mayRead: boolean;
  /** Columns that the role may not read. */
  readonly unreadable: ReadonlySet<string>;
  /** What it is, if it is no table with rows of its own. */
  readonly otherKind?: 'a view' | 'a foreign table' | undefined;
}

/** Whether it has rows of its own. */
export function isTable({ otherKind }: Pick<Relation, 'otherKind'>): boolean {
  return otherKind === undefined;
}

/** What it is instead of a table, in a clause: `archive.reports is a view`. */
export function describeKind(relation: Relation): string | undefined {
  return isTable(relation) ? undefined : `${showRelation(relation)} is ${relation.otherKind}`;
}

/** A table as people name it: without the schema if that is `public`. */
export function showRelation({ schema, name }: Pick<Relation, 'schema' | 'name'>): string {
  return schema === 'public' ? name : `${schema}.${name}`;
}

/** A table as written in SQL: `"schema"."name"`; without a schema, it is resolved along search_path. */
export function quoteTable({ schema, name }: Pick<Relation, 'schema' | 'name'>): string {
  return (schema === '' ? [name] : [schema, name]).map(pg.escapeIdentifier).join('.');
}

/**
 * The SQL that stands for a table's own rows, without those of tables that inherit from it. The rows of a partitioned
 * table are in its partitions.
 *
 * @throws the server's error, also if there is no such table
 */
export async function ownRows(client: pg.Client, table: Pick<Relation, 'schema' | 'name'>): Promise<string> {
  const { rows } = await client.query<{ partitioned: boolean }>(
    `SELECT relkind = 'p' AS partitioned FROM pg_class WHERE oid = $1::regclass`,
    [quoteTable(table)],
  );
  return rows[0]?.partitioned === true ? quoteTable(table) : `ONLY ${quoteTable(table)}`;
}

/** Tables by the names under which they were looked for. */
export type Relations = ReadonlyMap<string, readonly Relation[]>;

/**
 * Which of these tables the database has. Names are `schema.table`, or `table` for those of any schema: the search
 * path of the connection need not be the application's. A view does not count beside the table of its name that it
 * reads.
 */
export async function findRelations(client: pg.Client, names: readonly string[]): Promise<Relations> {
  const { rows } = await client.query<{
    wanted: string;
    schema: string;
    name: string;
    columns: [name: string, type: string, readable: boolean][] | null;
    primary_key: string[];
    may_read: boolean;
    kind: string;
  }>(
    `SELECT wanted.name AS wanted, n.nspname AS schema, c.relname AS name,
       (SELECT json_agg(json_build_array(a.attname, CASE t.typtype
            WHEN 'd' THEN (
              WITH RECURSIVE base AS (
                SELECT t.typbasetype AS type, t.typtypmod AS modifier
                UNION ALL SELECT b.typbasetype, b.typtypmod FROM base JOIN pg_type b ON b.oid = type AND b.typtype = 'd')
              SELECT format_type(type, modifier) FROM base JOIN pg_type b ON b.oid = type AND b.typtype <> 'd')
            ELSE format_type(a.atttypid, a.atttypmod) END,
            has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')) ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT coalesce(json_agg(a.attname ORDER BY k.place), '[]')
        FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary) AS primary_key,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS may_read,
       c.relkind AS kind
     FROM unnest($1::text[]) AS wanted (name)
     JOIN pg_class c ON c.relname = regexp_replace(wanted.name, '^.*\\.', '') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     JOIN pg_namespace n ON n.oid = c.relnamespace
       AND CASE WHEN wanted.name LIKE '%.%' THEN n.nspname || '.' || c.relname = wanted.name
           ELSE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (
             -- Its rows are read with those of its parent, unless it has columns of its own.
             SELECT FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent
             WHERE h.inhrelid = c.oid AND p.relname = c.relname AND p.relkind IN ('r', 'p')
               -- Since PostgreSQL 14. The parent does not show the rows of a partition that is being detached.
               AND to_jsonb(h) ->> 'inhdetachpending' IS DISTINCT FROM 'true'
               AND NOT EXISTS (
                 SELECT FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0)
           ) AND NOT EXISTS (
             -- A view of a table of its name shows rows that are read anyway.
             SELECT FROM pg_rewrite w
               JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
               JOIN pg_class t ON t.oid = d.refobjid
             WHERE w.ev_class = c.oid AND c.relkind IN ('v', 'm') AND t.relname = c.relname AND t.relkind IN ('r', 'p')) END
     ORDER BY n.nspname`,
    [names],
  );
  const found = new Map<string, Relation[]>();
  for (const { wanted, schema, name, columns, primary_key, may_read, kind } of rows) {
    const relation = {
      schema,
      name,
      columns: new Map(columns?.map(([column, type]) => [column, type])),
      primaryKey: primary_key,
      mayRead: may_read,
      unreadable: new Set(columns?.filter(([, , readable]) => !readable).map(([column]) => column)),
      otherKind: OTHER_KINDS[kind],
    };
    found.set(wanted, [...(found.get(wanted) ?? []), relation]);
  }
  return found;
}

const OTHER_KINDS: Readonly<Record<string, Relation['otherKind']>> = {
  v: 'a view',
  m: 'a view',
  f: 'a foreign table',
};
