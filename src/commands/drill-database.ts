import { readConfig } from '../config/config.ts';
import { parseDatabaseUrl } from '../config/database-url.ts';
import { secret } from '../config/secret.ts';
import { type Database, openDatabase } from '../postgres/database.ts';
import type { Invocation } from './session.ts';

/**
 * The server for scratch databases: that of `VERIFY_DATABASE_URL`, else that of the database itself.
 *
 * @throws ConfigError for missing or wrong settings
 */
export function drillDatabase(invocation: Invocation): Database {
  const { verifyDatabaseUrl } = readConfig(invocation, ['drill']);
  const given = () =>
    verifyDatabaseUrl === undefined ? undefined : parseDatabaseUrl(verifyDatabaseUrl.reveal());
  const url = given();
  if (url === undefined) return openDatabase(readConfig(invocation, ['database']), invocation.env);
  // PGPASSWORD belongs to the server of the database, not to this one.
  const { PGPASSWORD: _, ...env } = { ...invocation.env, ...url.env };
  const password = url.password === undefined ? undefined : secret(url.password, () => given()?.password);
  const from = 'VERIFY_DATABASE_URL';
  return openDatabase({ ...url, maintenanceDatabase: url.database, from, password }, env);
}
