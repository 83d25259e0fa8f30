import type pg from 'pg';
import { oneRow } from '../../postgres/ask.ts';

/**
 * Whether a row can be refused, or stored with different values, because of what other tables hold. That is so if a
 * check constraint or a generated column calls a function written in SQL or a procedural language: such a function
 * may read any table, whatever its declared volatility. pg_dump ignores this dependency, so the order of the rows in
 * the dump is the only one known to work.
 */
export async function rowsNeedOrder(client: pg.Client): Promise<boolean> {
  // Servers before PostgreSQL 12 have no generated columns, and no attgenerated either. Before PostgreSQL 15 it is the
  // column, not its expression, that depends on what the expression calls.
  const { yes } = await oneRow<{ yes: boolean }>(
    client,
    `WITH generated AS (
       SELECT e.oid, a.attrelid, a.attnum
       FROM pg_catalog.pg_attrdef AS e
       JOIN pg_catalog.pg_attribute AS a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
       WHERE pg_catalog.to_jsonb(a)->>'attgenerated' <> ''
     ), asked (classid, objid, objsubid) AS (
       SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, 0
       FROM pg_catalog.pg_constraint AS c WHERE c.contype = 'c'
       UNION ALL
       SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, 0 FROM generated
       UNION ALL
       SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, attrelid, attnum FROM generated
     )
     SELECT EXISTS (
       SELECT FROM asked
       JOIN pg_catalog.pg_depend AS d
         ON d.classid = asked.classid AND d.objid = asked.objid AND d.objsubid = asked.objsubid
         AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
       JOIN pg_catalog.pg_proc AS f ON f.oid = d.refobjid
       JOIN pg_catalog.pg_language AS l ON l.oid = f.prolang
       WHERE l.lanname NOT IN ('internal', 'c')
     ) AS yes`,
  );
  return yes;
}
