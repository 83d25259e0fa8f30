import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { createDatabase, dropDatabase, renameDatabase } from '../postgres/administration.ts';
import { errorCode } from '../postgres/errors.ts';
import type { Finding } from './check.ts';
import { fault } from './check.ts';

const ANY_LOCALE = {
  encoding: 'UTF8',
  collate: 'C',
  ctype: 'C',
  provider: null,
  providerLocale: null,
  icuRules: null,
  tablespace: null,
};

/** Does with an empty database what a restore does: creates, renames and drops it. */
export async function tryDatabase(admin: pg.Client, user: string): Promise<string | Omit<Finding, 'check'>> {
  const probe = `topobank_backup_doctor_${randomBytes(6).toString('hex')}`;
  const renamed = `${probe}_renamed`;
  try {
    await createDatabase(admin, probe, ANY_LOCALE);
    await renameDatabase(admin, probe, renamed);
  } catch (error) {
    // insufficient_privilege
    if (!(error instanceof DatabaseError) || errorCode(error.cause) !== '42501') throw error;
    return fault('the role may not create databases, so it cannot restore', `ALTER ROLE "${user}" CREATEDB`);
  } finally {
    for (const name of [probe, renamed]) await dropDatabase(admin, name);
  }
  return 'databases can be created, renamed and dropped';
}
