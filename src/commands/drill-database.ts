import { parseDatabaseUrl } from '../config/database-url.ts';
import { secret } from '../config/secret.ts';
import { type Database, openDatabase } from '../postgres/database.ts';
import { type Invocation, openSession } from './session.ts';

/** libpq's variables that say where another server is, or who asks there. */
const OF_ANOTHER = ['PGPASSWORD', 'PGHOSTADDR', 'PGSERVICE', 'PGSERVICEFILE'];

/**
 * The server on which scratch databases are made: that of `VERIFY_DATABASE_URL`, else that of the database itself.
 *
 * @throws ConfigError for settings that are missing or wrong
 */
export function drillDatabase(invocation: Invocation): Database {
  const { verifyDatabaseUrl } = openSession(invocation, ['drill']).config;
  const url = verifyDatabaseUrl === undefined ? undefined : parseDatabaseUrl(verifyDatabaseUrl.reveal());
  if (url === undefined) return openDatabase(openSession(invocation, ['database']).config, invocation.env);
  const env = Object.entries({ ...invocation.env, ...url.env }).filter(
    ([name]) => !OF_ANOTHER.includes(name),
  );
  const password = url.password === undefined ? undefined : secret(url.password);
  const maintenance = { maintenanceDatabase: url.database, maintenanceFrom: 'VERIFY_DATABASE_URL' };
  return openDatabase({ ...url, ...maintenance, password }, Object.fromEntries(env));
}
