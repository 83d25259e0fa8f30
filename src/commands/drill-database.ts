import { parseDatabaseUrl } from '../config/database-url.ts';
import { secret } from '../config/secret.ts';
import { type Database, openDatabase } from '../postgres/database.ts';
import { type Invocation, openSession } from './session.ts';

/**
 * The server on which scratch databases are made: that of `VERIFY_DATABASE_URL`, else that of the database itself.
 *
 * @throws ConfigError for settings that are missing or wrong
 */
export function drillDatabase(invocation: Invocation): Database {
  const { verifyDatabaseUrl } = openSession(invocation, ['drill']).config;
  const url = verifyDatabaseUrl === undefined ? undefined : parseDatabaseUrl(verifyDatabaseUrl.reveal());
  if (url === undefined) return openDatabase(openSession(invocation, ['database']).config, invocation.env);
  // The password of the database itself is none of this server's.
  const { PGPASSWORD: _, ...env } = { ...invocation.env, ...url.env };
  const password = url.password === undefined ? undefined : secret(url.password);
  const maintenance = { maintenanceDatabase: url.database, maintenanceFrom: 'VERIFY_DATABASE_URL' };
  return openDatabase({ ...url, ...maintenance, password }, env);
}
