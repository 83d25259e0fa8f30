import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { OperatorError } from '../errors.ts';
import { createDatabase, dropDatabase, renameDatabase } from '../postgres/administration.ts';
import { oneRow } from '../postgres/ask.ts';
import { administer, type Database } from '../postgres/database.ts';
import { databaseError, errorCode } from '../postgres/errors.ts';
import { PLAIN_CREATION } from '../postgres/facts.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import { fault, type Outcome } from './check.ts';

/** How long the probe may take, in milliseconds. */
const PROBE_MS = 60_000;

/**
 * Does with an empty database what a restore does: creates, renames and drops it. The signal is not heeded until the
 * database is gone: this takes only a moment, and if it were interrupted, the server might still create the database
 * after the check for leftovers.
 */
export async function tryDatabase(database: Database, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  return administer(database, AbortSignal.timeout(PROBE_MS), tryWith);
}

async function tryWith(admin: pg.Client): Promise<Outcome> {
  const probe = `topobank_backup_doctor_${randomBytes(6).toString('hex')}`;
  const renamed = `${probe}_renamed`;
  const tried = await attempt(async () => {
    await createDatabase(admin, probe, PLAIN_CREATION);
    await renameDatabase(admin, probe, renamed);
  });
  const dropped = await attempt(async () => {
    for (const name of [probe, renamed]) await dropDatabase(admin, name);
  });
  if (tried !== undefined && errorCode(tried.cause) === SQLSTATE.insufficientPrivilege) {
    const detail = 'the role may not create databases, so it cannot restore';
    return fault(detail, `ALTER ROLE ${await activeRole(admin)} CREATEDB`);
  }
  // The first error is the one to report.
  const first = tried ?? dropped;
  if (first === undefined) return 'databases can be created, renamed and dropped';
  const left = dropped === undefined ? '' : `; database ${probe} or ${renamed} may remain`;
  return fault(`${first.problem}${left}`, first.remedy);
}

/** The role whose rights count, as SQL spells it: POSTGRES_USER, unless that takes on another one as it connects. */
async function activeRole(admin: pg.Client): Promise<string> {
  const { role } = await oneRow<{ role: string }>(admin, 'SELECT current_user AS role');
  return pg.escapeIdentifier(role);
}

/** @returns why it failed; undefined if it succeeded */
async function attempt(work: () => Promise<void>): Promise<OperatorError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return databaseError('cannot test with an empty database', error);
  }
}
