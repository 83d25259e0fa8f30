import type pg from 'pg';

/**
 * Settings that pg_dump leaves to a session's defaults, but that change how the server takes rows or statements if a
 * database, a role or `PGOPTIONS` sets them: the word NULL in an array would be read as text (manual §20.13.1), and a
 * view that a materialized view is filled from would be refused (manual §20.11.1).
 */
const AS_WRITTEN: Readonly<Record<string, string>> = {
  array_nulls: 'on',
  restrict_nonsystem_relation_kind: '',
};

/**
 * Makes a session take a dump's statements and rows as pg_dump wrote them. Everything else stays as the database has
 * it for its application, because checks and materialized views may depend on it: on how a date is spelled, for
 * example.
 */
export async function settleForDump(client: pg.Client): Promise<void> {
  await client.query('RESET DateStyle; RESET search_path');
  await client.query(
    `SELECT set_config(name, value, false) FROM pg_settings JOIN json_each_text($1) AS given (key, value) ON key = name`,
    [JSON.stringify(AS_WRITTEN)],
  );
}
