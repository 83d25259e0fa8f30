import type pg from 'pg';

/**
 * What pg_dump leaves to a session's defaults, and what has the server take rows or statements otherwise than they were
 * written where a database, a role or `PGOPTIONS` has set it: the word NULL in an array would be a text (manual
 * §20.13.1), a view that a materialized view is filled from would be refused (manual §20.11.1).
 */
const AS_WRITTEN: Readonly<Record<string, string>> = {
  array_nulls: 'on',
  restrict_nonsystem_relation_kind: '',
};

/**
 * Has a session take a dump's statements and rows as pg_dump has written them. All else is as the database has it for
 * its application, for checks and materialized views may depend on it, as on how a date is spelled.
 */
export async function settleForDump(client: pg.Client): Promise<void> {
  await client.query('RESET DateStyle');
  await client.query(
    `SELECT set_config(name, value, false) FROM pg_settings JOIN json_each_text($1) AS given (key, value) ON key = name`,
    [JSON.stringify(AS_WRITTEN)],
  );
}
