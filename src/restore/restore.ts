import pg from 'pg';
import { backupId } from '../catalog/backup-name.ts';
import { OperatorError, RestoreError } from '../errors.ts';
import { dropDatabase, renameDatabase } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError, describeCause } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { buildScratch } from './build-scratch.ts';
import { keptName, scratchName } from './names.ts';
import { chooseTables } from './narrow/choose-tables.ts';
import { selectTables, type TableSelection } from './narrow/selection.ts';
import { type TableTally, tallyTables } from './narrow/tally.ts';
import { planRestore } from './plan.ts';
import { type KnownDump, knowDump, proveDump } from './prove-dump.ts';
import { checkTarget, type FoundDatabases, findDatabases, type RestoreTarget } from './restore-target.ts';
import { dropScratch } from './scratch.ts';
import type { RestoreSource } from './source.ts';
import { type AsAdmin, dropKept, swapDatabases } from './swap.ts';
import { chooseJobs, freeConnections, type JobsChoice } from './wide/jobs.ts';

/** For what takes moments and would leave something behind if it were broken off half-way. */
const uninterrupted = (): AbortSignal => new AbortController().signal;

export interface RestoreContext {
  readonly database: Database;
  readonly now: () => Date;
  readonly log: Logger;
  readonly startProgress: StartProgress;
}

export interface RestoreOptions {
  readonly target: RestoreTarget;
  /** Leave out owners and grants, and what the database has set for single roles. */
  readonly noOwner: boolean;
  /** Over how many connections, as {@link chooseJobs} takes it; over one where nothing is said. */
  readonly jobs?: Pick<JobsChoice, 'asked' | 'cores'>;
}

export interface RestoreReport {
  readonly database: string;
  /** Name of the old database, where it was kept. */
  readonly kept: string | undefined;
  /** Databases that were dropped. */
  readonly dropped: readonly string[];
  /** Those whose rows were restored. */
  readonly tables: number;
  readonly rows: number;
  /** Length of the dump as plain SQL, and how much of it was read to be restored. */
  readonly bytes: number;
  readonly bytesRead: number;
  /** The tables that were named, where it were not all. */
  readonly only?: readonly TableTally[];
}

/**
 * Restores a dump into a new database and puts it where it belongs. Whatever fails before the swap, the old database
 * serves on and the new one is gone.
 *
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function restoreDump(
  context: RestoreContext,
  source: RestoreSource,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { database, log } = context;
  const { target } = options;
  const name = target.kind === 'into' ? target.name : database.name;
  const time = backupId(context.now());
  const scratch = scratchName(name, time);

  const asAdmin = <T>(work: (admin: pg.Client) => Promise<T>) =>
    database.use(database.maintenanceName, signal, work);

  const found = await asAdmin((admin) => findDatabases(admin, name));
  for (const { problem, remedy } of found.traces) log.warn(`${problem}; ${remedy}`);
  checkTarget(source, target, database, found);
  let dropped = false;
  // Only when the server has made the scratch database is it certain that the dropped one can be replaced.
  const makeRoom = async () => {
    if (target.kind !== 'in-place' || !found.exists) return;
    await dropTarget(context, name);
    dropped = true;
  };
  const build = async () => {
    // Nothing is dropped for a dump of which not every byte has been seen.
    const know = target.kind === 'in-place' ? proveDump : knowDump;
    const dump = await know(source, context.startProgress, signal);
    const selection = await selectNamed(source, dump, target, signal);
    const [plan, jobs] = await asAdmin(async (admin) => [
      await planRestore(admin, source, dump, { ...options, name, scratch, log }),
      await planJobs(admin, selection ?? dump, options.jobs, log),
    ]);
    const how = { scratch, plan, dump, selection, jobs, noOwner: options.noOwner, makeRoom };
    return { selection, filled: await buildScratch(context, source, how, signal) };
  };
  const { selection, filled } = await build().catch((error: unknown) => {
    if (dropped) log.error(`database ${name} was dropped before, as --in-place asks: restore it again`);
    else if (found.exists) log.info(`database ${name} is as it was`);
    throw error;
  });
  const placed = await place(context, target, { found, scratch, kept: keptName(name, time) });
  const tables = selection?.tables ?? filled.tables;
  return {
    database: name,
    ...placed,
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: filled.bytes,
    bytesRead: filled.bytesRead,
    ...(selection === undefined ? {} : { only: tallyTables(tables) }),
  };
}

async function selectNamed(
  source: RestoreSource,
  dump: KnownDump,
  target: RestoreTarget,
  signal: AbortSignal,
): Promise<TableSelection | undefined> {
  if (target.kind !== 'into' || target.only === undefined) return undefined;
  return selectTables(dump, await chooseTables(source, dump, target.only, signal));
}

async function planJobs(
  admin: pg.Client,
  { tables }: Pick<KnownDump, 'tables'>,
  wanted: RestoreOptions['jobs'],
  log: Logger,
): Promise<number> {
  if (wanted === undefined) return 1;
  const { asked } = wanted;
  const free = await freeConnections(admin).catch((error: unknown) => {
    throw databaseError('cannot count the connections to the server', error);
  });
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  const jobs = chooseJobs({ ...wanted, free, bytes });
  if (asked !== undefined && jobs < asked) {
    log.warn(`the server has no more than ${free} connections free, so --jobs is ${jobs}`);
  }
  return jobs;
}

async function dropTarget({ database, log }: RestoreContext, name: string): Promise<void> {
  await database.use(database.maintenanceName, uninterrupted(), (admin) => dropDatabase(admin, name));
  log.info(`dropped database ${name}`);
}

/** Past the checks nothing is broken off any more: the swap takes moments and is done as a whole. */
async function place(
  { database, log }: RestoreContext,
  target: RestoreTarget,
  { found, scratch, kept }: { found: FoundDatabases; scratch: string; kept: string },
): Promise<{ kept: string | undefined; dropped: string[] }> {
  const { name } = found;
  const asAdmin: AsAdmin = (work) => database.use(database.maintenanceName, uninterrupted(), work);
  try {
    if (target.kind !== 'swap' || !found.exists) {
      // Without an old database of its own this restore leaves alone what an earlier one has kept.
      await asAdmin((admin) => renameDatabase(admin, scratch, name));
      return { kept: undefined, dropped: [] };
    }
    await swapDatabases(asAdmin, { target: name, scratch, kept });
  } catch (error) {
    if (target.kind === 'in-place') throw keptScratch(error, name, scratch);
    await dropScratch(database, scratch, log);
    throw error;
  }
  log.info(`${name} is restored; the old database is now ${kept}`);
  const dropped = await dropKept(asAdmin, target.dropOld ? [...found.kept, kept] : found.kept, log);
  return { kept: dropped.includes(kept) ? undefined : kept, dropped };
}

/** There is no old database to go back to, so the new one stays. */
function keptScratch(error: unknown, name: string, scratch: string): Error {
  const quote = pg.escapeIdentifier;
  return new RestoreError({
    doing: `cannot give the restored database the name ${name}`,
    problem: error instanceof OperatorError ? error.problem : describeCause(error),
    remedy: `it is whole, run: ALTER DATABASE ${quote(scratch)} RENAME TO ${quote(name)};`,
    cause: error,
  });
}
