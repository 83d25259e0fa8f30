import type pg from 'pg';

/**
 * Whether a row can be refused for what other tables hold: a check constraint calls a function that was written in SQL
 * or a procedural language, and such a function may look anywhere. pg_dump takes no notice of it, so the order in which
 * the rows stand in the dump is the only one that is known to do.
 */
export async function rowsNeedOrder(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ yes: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_catalog.pg_constraint AS c
       JOIN pg_catalog.pg_depend AS d
         ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = c.oid
         AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
       JOIN pg_catalog.pg_proc AS f ON f.oid = d.refobjid
       JOIN pg_catalog.pg_language AS l ON l.oid = f.prolang
       WHERE c.contype = 'c' AND l.lanname NOT IN ('internal', 'c')
     ) AS yes`,
  );
  return rows[0]?.yes === true;
}
