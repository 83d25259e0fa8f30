import pg from 'pg';

/**
 * Settings that pg_dump leaves to its session's defaults and that decide how it writes what it dumps: in which time zone
 * times are (manual §8.5.1.3), bytes in which form (§8.4), amounts of money (§8.2), and names and strings in statements
 * (§20.11.1, §20.13.1).
 */
const NAMES = [
  'TimeZone',
  'bytea_output',
  'lc_monetary',
  'quote_all_identifiers',
  'standard_conforming_strings',
];

/** Their values, by their names. */
export type DumpSession = Readonly<Record<string, string>>;

/** A time zone that is another one on each machine. */
const LOCALTIME = 'localtime';

/**
 * What these settings are in a session of pg_dump; without the time zone if its name does not tell which one it is.
 *
 * @param client connected to the database that is dumped, as pg_dump is
 * @param env pg_dump's, whose `PGTZ` comes before all else (manual §34.15)
 * @throws the server's error
 */
export async function readDumpSession(client: pg.Client, env: NodeJS.ProcessEnv): Promise<DumpSession> {
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, reset_val AS value FROM pg_settings WHERE name = ANY ($1) ORDER BY name',
    [NAMES],
  );
  const given = env.PGTZ ? { TimeZone: env.PGTZ } : {};
  const settings = { ...Object.fromEntries(rows.map(({ name, value }) => [name, value])), ...given };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== LOCALTIME));
}

/** The statements that have the connecting role's sessions in a database begin with these settings. */
export function beginningWith(database: string, session: DumpSession): string[] {
  return Object.entries(session).map(
    ([name, value]) =>
      `ALTER ROLE CURRENT_USER IN DATABASE ${pg.escapeIdentifier(database)} SET ${pg.escapeIdentifier(name)} TO ${pg.escapeLiteral(value)}`,
  );
}
