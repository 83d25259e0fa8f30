import type pg from 'pg';
import type { TableName } from '../../catalog/find-table.ts';
import { qualifiedName } from '../../dump/tokens.ts';
import { oneRow } from '../../postgres/ask.ts';
import { ownRows, quoteTable } from '../../postgres/relations.ts';
import type { RowOrder } from './order-blocks.ts';

/** Which of these tables the database does not have; a view of the same name does not count as the table. */
export async function missingTables<T extends TableName>(
  client: pg.Client,
  tables: readonly T[],
): Promise<T[]> {
  const { rows } = await client.query<{ missing: boolean }>(
    `SELECT c.oid IS NULL AS missing FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n)
     LEFT JOIN pg_class AS c ON c.oid = to_regclass(name) AND c.relkind IN ('r', 'p', 'f') ORDER BY n`,
    [tables.map(quoteTable)],
  );
  return tables.filter((_, at) => rows[at]?.missing === true);
}

/** Keeps others from writing to these tables until the transaction ends. */
export async function lockTables(client: pg.Client, tables: readonly TableName[]): Promise<void> {
  await client.query(`LOCK TABLE ${tables.map(quoteTable).join(', ')} IN SHARE ROW EXCLUSIVE MODE`);
}

/** Which of these tables hold rows. */
export async function filledTables<T extends TableName>(
  client: pg.Client,
  tables: readonly T[],
): Promise<T[]> {
  const filled: T[] = [];
  for (const table of tables) {
    const rows = await ownRows(client, table);
    const { yes } = await oneRow<{ yes: boolean }>(client, `SELECT EXISTS (SELECT FROM ${rows}) AS yes`);
    if (yes) filled.push(table);
  }
  return filled;
}

/** Tables whose rows would be deleted or changed along with those of this one, through their foreign keys. */
export async function tablesThatFollow(client: pg.Client, table: TableName): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint
     WHERE contype = 'f' AND confrelid = $1::regclass AND conrelid <> confrelid AND confdeltype IN ('c', 'n', 'd')
     ORDER BY 1`,
    [quoteTable(table)],
  );
  return rows.map(({ name }) => name);
}

/**
 * The foreign keys among these tables that are checked at each statement, whatever SET CONSTRAINTS says. Those of a
 * partitioned table count for each of its partitions, except those from the partitioned table to itself. Servers
 * before PostgreSQL 11 have no constraints that a partition inherits from another constraint.
 */
export async function immediateOrder(client: pg.Client, tables: readonly TableName[]): Promise<RowOrder[]> {
  const { rows } = await client.query<{ child: number; parent: number }>(
    `WITH RECURSIVE t AS (SELECT name::regclass AS oid, n::int AS n FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n)),
       part (n, oid) AS (
         SELECT n, oid::oid FROM t
         UNION SELECT part.n, i.inhparent FROM part JOIN pg_inherits AS i ON i.inhrelid = part.oid
           JOIN pg_class AS whole ON whole.oid = i.inhparent AND whole.relkind = 'p')
     SELECT DISTINCT child.n AS child, parent.n AS parent
     FROM pg_constraint AS c JOIN part AS child ON child.oid = c.conrelid JOIN part AS parent ON parent.oid = c.confrelid
     WHERE c.contype = 'f' AND NOT c.condeferrable
       AND coalesce((to_jsonb(c) ->> 'conparentid')::oid, 0) = 0
       AND NOT (EXISTS (SELECT FROM part WHERE part.n = parent.n AND part.oid = c.conrelid)
         AND EXISTS (SELECT FROM part WHERE part.n = child.n AND part.oid = c.confrelid))`,
    [tables.map(quoteTable)],
  );
  const nameOf = (n: number) => {
    const table = tables[n - 1];
    return table === undefined ? '' : qualifiedName(table);
  };
  return rows.map(({ child, parent }) => ({ table: nameOf(child), after: nameOf(parent) }));
}

/**
 * Advances the sequences of these tables' columns past the rows, including those that a table has from its
 * partitioned table or its parent. No sequence is set back.
 *
 * @returns sequences that are left as they are: because their columns are not of a number type, because the role may
 * not set them, or because it cannot see all rows
 */
export async function passSequences(client: pg.Client, tables: readonly TableName[]): Promise<string[]> {
  const { rows } = await client.query<{
    sequence: string;
    column: string;
    table: string;
    counts: boolean;
    /** Whether it counts upwards. `least` and `most` bound the numbers that it can give. */
    up: boolean;
    least: string;
    most: string;
  }>(
    `WITH RECURSIVE family (oid) AS (
       SELECT unnest($1::regclass[]::oid[])
       UNION SELECT i.inhparent FROM pg_inherits AS i JOIN family ON family.oid = i.inhrelid),
     base (type, oid) AS (
       SELECT oid, oid FROM pg_type WHERE typtype <> 'd'
       UNION SELECT t.oid, base.oid FROM pg_type AS t JOIN base ON base.type = t.typbasetype WHERE t.typtype = 'd')
     SELECT s.oid::regclass::text AS sequence, quote_ident(a.attname) AS column, d.refobjid::regclass::text AS table,
       base.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
         AND has_sequence_privilege(s.oid, 'UPDATE') AND has_sequence_privilege(s.oid, 'SELECT')
         AND has_table_privilege(d.refobjid, 'SELECT')
         AND NOT row_security_active(d.refobjid) AS counts,
       q.seqincrement > 0 AS up, q.seqmin::text AS least, q.seqmax::text AS most
     FROM pg_depend AS d
     JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
     JOIN pg_sequence AS q ON q.seqrelid = s.oid
     JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     JOIN base ON base.type = a.atttypid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
       AND d.refobjid IN (SELECT oid FROM family)`,
    [tables.map(quoteTable)],
  );
  for (const { sequence, column, table, up, least, most } of rows.filter(({ counts }) => counts)) {
    const [furthest, isBeyond] = up ? ['max', '>'] : ['min', '<'];
    await client.query(
      `SELECT setval($1::regclass, last)
       FROM ${sequence} AS s,
         (SELECT trunc(${furthest}(${column}))::bigint AS last FROM ${table} WHERE ${column} BETWEEN ${least} AND ${most}) AS t
       WHERE last ${isBeyond} s.last_value OR last = s.last_value AND NOT s.is_called`,
      [sequence],
    );
  }
  return rows.filter(({ counts }) => !counts).map(({ sequence }) => sequence);
}
