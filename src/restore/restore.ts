import type pg from 'pg';
import { backupId } from '../catalog/backup-name.ts';
import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { RestoreError } from '../errors.ts';
import {
  createDatabase,
  databaseStatements,
  dropDatabase,
  renameDatabases,
} from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError, errorCode } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { loadDump } from './load-dump.ts';
import { keptName, scratchName } from './names.ts';
import { planRestore, proveDump, type RestorePlan } from './preflight.ts';
import type { RestoreSource } from './source.ts';
import { dropKept, swapDatabases } from './swap.ts';

/** How long dropping the scratch database of a failed restore may take, in milliseconds. */
const CLEAN_UP_MS = 30_000;

/** Where the restored database goes. */
export type RestoreTarget =
  /** In the place of the target database, which is kept under another name or dropped after the swap. */
  | { readonly kind: 'swap'; readonly dropOld: boolean }
  /** In the place of the target database, which is dropped first: for those without room for two. */
  | { readonly kind: 'in-place' }
  /** Beside it, under a name that is free. */
  | { readonly kind: 'into'; readonly name: string };

export interface RestoreContext {
  readonly database: Database;
  readonly now: () => Date;
  readonly log: Logger;
  readonly startProgress: StartProgress;
}

export interface RestoreOptions {
  readonly target: RestoreTarget;
  /** Leave out owners, grants, and the database's own settings and rights. */
  readonly noOwner: boolean;
}

export interface RestoreReport {
  readonly database: string;
  /** Name of the old database, where it was kept. */
  readonly kept: string | undefined;
  /** Databases that were dropped. */
  readonly dropped: readonly string[];
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
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

  const needs = await learnNeeds(source, target, context.startProgress, signal);
  const admin = database.maintenanceName;
  const plan = await database.use(admin, signal, (client) =>
    planRestore(client, database, source, needs, { target: name, noOwner: options.noOwner, signal }),
  );
  if (target.kind === 'into' && plan.exists) throw nameTaken(source, name);
  if (target.kind === 'in-place') {
    await database.use(admin, signal, (client) => dropDatabase(client, name));
    log.info(`dropped database ${name}`);
  }

  let index: DumpIndex;
  try {
    await database.use(admin, signal, (client) => createDatabase(client, scratch, plan.locale));
    log.info(`restoring ${source.name} into ${scratch}`);
    index = await fillDatabase(context, source, scratch, options.noOwner, signal);
    checkAgainstManifest(source, index);
    await database.use(admin, signal, (client) => applyFacts(client, scratch, plan, log));
    signal.throwIfAborted();
  } catch (error) {
    await dropScratch(database, scratch, log);
    throw error;
  }

  const placed = await place(context, { target, name, scratch, kept: keptName(name, time) }, plan);
  return {
    database: name,
    ...placed,
    tables: index.tables.length,
    rows: index.tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: index.bytes,
  };
}

/** A manifest tells what the dump needs; without one, and before anything is dropped, the dump itself is read. */
async function learnNeeds(
  source: RestoreSource,
  target: RestoreTarget,
  startProgress: StartProgress,
  signal: AbortSignal,
) {
  const { manifest } = source;
  if (manifest === undefined || target.kind === 'in-place') return proveDump(source, startProgress, signal);
  return { ...manifest, encoding: manifest.encoding ?? undefined };
}

async function fillDatabase(
  { database, log, startProgress }: RestoreContext,
  source: RestoreSource,
  scratch: string,
  noOwner: boolean,
  signal: AbortSignal,
): Promise<DumpIndex> {
  const progress = startProgress('restore', source.bytes);
  try {
    return await database.use(scratch, signal, async (client) => {
      // The scratch database is dropped after a crash; the renames of the swap are written through, and all before.
      await client.query('SET synchronous_commit = off');
      const index = await loadDump(client, source.read(signal), {
        name: source.name,
        noOwner,
        log,
        onBytes: progress.add,
      });
      log.debug('analyzing');
      // The dump has set the session's search_path and more.
      await client.query('RESET ALL');
      await client.query('ANALYZE');
      return index;
    });
  } catch (error) {
    throw databaseError(`cannot restore ${source.name} into ${scratch}`, error);
  } finally {
    progress.stop();
  }
}

function checkAgainstManifest(source: RestoreSource, index: DumpIndex): void {
  const fault = source.manifest === undefined ? undefined : compareIndex(source.manifest, index)[0];
  if (fault === undefined) return;
  throw new RestoreError({
    doing: `cannot restore ${source.name}`,
    problem: `what was read is not what its manifest says: ${describeFault(fault)}`,
    remedy: 'use another backup; the database is as it was',
  });
}

async function applyFacts(admin: pg.Client, scratch: string, plan: RestorePlan, log: Logger): Promise<void> {
  if (plan.facts === undefined) return;
  for (const statement of databaseStatements(scratch, plan.facts)) {
    try {
      await admin.query(statement);
    } catch (error) {
      if (errorCode(error) !== '42704') throw databaseError(`cannot run ${statement}`, error);
      log.warn(`this server does not know a setting of the database; skipped: ${statement}`);
    }
  }
}

/** Past the checks nothing is broken off any more: the swap takes moments and is done as a whole. */
async function place(
  { database, log }: RestoreContext,
  names: { target: RestoreTarget; name: string; scratch: string; kept: string },
  plan: RestorePlan,
): Promise<{ kept: string | undefined; dropped: string[] }> {
  const { target, name, scratch, kept } = names;
  const swaps = target.kind === 'swap' && plan.exists;
  try {
    return await database.use(database.maintenanceName, new AbortController().signal, async (admin) => {
      if (swaps) {
        await swapDatabases(admin, { target: name, scratch, kept }, log);
        log.info(`${name} is restored; the old database is now ${kept}`);
      } else await renameDatabases(admin, [{ from: scratch, to: name }]);
      if (target.kind !== 'swap') return { kept: undefined, dropped: [] };
      const old = target.dropOld && swaps ? [...plan.kept, kept] : plan.kept;
      // Without an old database of its own this restore leaves the one that was kept.
      const dropped = swaps ? await dropKept(admin, old, log) : [];
      return { kept: swaps && !dropped.includes(kept) ? kept : undefined, dropped };
    });
  } catch (error) {
    if (target.kind === 'in-place') throw keptScratch(error, name, scratch);
    await dropScratch(database, scratch, log);
    throw error;
  }
}

async function dropScratch(database: Database, scratch: string, log: Logger): Promise<void> {
  try {
    await database.use(database.maintenanceName, AbortSignal.timeout(CLEAN_UP_MS), (admin) =>
      dropDatabase(admin, scratch),
    );
  } catch (error) {
    log.warn(
      `database ${scratch} is left over, drop it by hand (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

function nameTaken(source: RestoreSource, name: string): RestoreError {
  return new RestoreError({
    doing: `cannot restore ${source.name} into ${name}`,
    problem: 'a database of that name exists',
    remedy: 'give --into a name that is free',
  });
}

function keptScratch(error: unknown, name: string, scratch: string): RestoreError {
  return new RestoreError({
    doing: `cannot give the restored database the name ${name}`,
    problem: error instanceof Error ? error.message : String(error),
    remedy: `it is whole, run: ALTER DATABASE "${scratch}" RENAME TO "${name}";`,
    cause: error,
  });
}
