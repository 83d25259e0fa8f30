import { backupId } from '../catalog/backup-name.ts';
import { chooseTables } from '../catalog/choose-tables.ts';
import type { DumpSource } from '../catalog/dump-source.ts';
import { type KnownDump, totalOf } from '../dump/dump-index.ts';
import { administer } from '../postgres/database.ts';
import type { Followers } from '../postgres/followers.ts';
import { buildScratch, type LeftRows } from './build-scratch.ts';
import { type Agreed, checkAgreed, checkTarget, keptToDrop } from './databases/check-target.ts';
import { freeNames, scratchName } from './databases/database-names.ts';
import { targetDrop } from './databases/drop-target.ts';
import { findTarget } from './databases/find-target.ts';
import { describeConversion, findLocaleChange } from './databases/locale.ts';
import { type Placed, placeScratch } from './databases/place-scratch.ts';
import { onlyTables, type RestoreTarget, targetName } from './databases/restore-target.ts';
import type { FilledFrom } from './fill-database.ts';
import type { LoadContext } from './load-context.ts';
import { selectTables, type TableSelection } from './narrow/select-tables.ts';
import { type TableTally, tallyTables } from './narrow/tally.ts';
import { planRestore, type RestorePlan } from './plan-restore.ts';
import { knowDump, proveDump } from './prove-dump.ts';
import { rehearseSchema } from './rehearsal/rehearse-schema.ts';
import { tellRemains } from './tell-remains.ts';
import { type JobsChoice, planJobs } from './wide/jobs.ts';

/** What a restore needs. */
export interface RestoreContext extends LoadContext {
  readonly now: () => Date;
}

/** Where a dump is restored to, and how. */
export interface RestoreOptions {
  readonly target: RestoreTarget;
  /** No other database is dropped; without it, whatever is found may be. */
  readonly agreed?: Agreed;
  /** Leave out owners and grants, and what the database sets for individual roles. */
  readonly noOwner: boolean;
  /** The choice of connections, as for {@link planJobs}; one connection if not given. */
  readonly jobs?: Pick<JobsChoice, 'asked' | 'cores'>;
}

/** What a restore has done. */
export interface RestoreReport extends Placed {
  readonly database: string;
  /** Who followed the database that was replaced. */
  readonly followers: Followers;
  /** Tables whose rows were restored. */
  readonly tables: number;
  readonly rows: number;
  /** Size of the dump as plain SQL, and how much of it was read for the restore. */
  readonly bytes: number;
  readonly bytesRead: number;
  /** The tables that were named, if not all were restored. */
  readonly only?: readonly TableTally[];
  /** The statements after the rows that a restore in place has left out, each with the server's reason. */
  readonly refused?: readonly string[];
}

/**
 * Restores a dump into a new database and puts it where it belongs. If anything fails before the swap, the old
 * database stays in service and the new one is gone.
 *
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function restoreDump(
  context: RestoreContext,
  source: DumpSource,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { database, log } = context;
  const { target } = options;
  const name = targetName(target, database);
  const found = await administer(database, signal, (admin) => findTarget(admin, target, name));
  for (const { problem, remedy } of found.traces) log.warn(`${problem}; ${remedy}`);
  checkTarget(source, target, database, found);
  const { agreed = found } = options;
  checkAgreed(source, target, found, agreed);

  const { followers } = found;
  if (followers.slots.length > 0) {
    log.warn(
      `logical replication slots belong to the old database ${name} (${followers.slots.join(', ')}): subscribers get nothing from the restored database until they resubscribe`,
    );
  }

  const names = { target: name, ...freeNames(name, context.now(), found.taken) };
  const dropFirst = target.kind === 'in-place' && found.present !== undefined;
  const drop = targetDrop(context, name);
  // Only once the server has created the scratch database is it certain that the dropped one can be replaced.
  const makeRoom = async () => {
    if (dropFirst) await drop.run((there) => checkAgreed(source, target, there, agreed), signal);
  };
  let left: LeftRows | undefined;
  const onLeft = (rows: LeftRows) => {
    left = rows;
  };
  const place = { name, scratch: names.scratch, makeRoom, onLeft };
  const { selection, filled } = await build(context, source, options, place, signal).catch(
    async (error: unknown) => {
      tellRemains(log, names, { old: found.present && (await drop.fate()), left });
      throw error;
    },
  );
  const kept = keptToDrop(found, target).filter((each) => agreed.kept.includes(each));
  const placed = await placeScratch(context, target, { ...found, kept }, names);

  const tables = selection?.tables ?? filled.tables;
  return {
    database: name,
    ...placed,
    followers,
    tables: tables.length,
    rows: totalOf(tables).rows,
    bytes: filled.bytes,
    bytesRead: filled.bytesRead,
    ...(selection === undefined ? {} : { only: tallyTables(tables) }),
    ...(filled.refused.length === 0 ? {} : { refused: filled.refused.map(({ problem }) => problem) }),
  };
}

/**
 * Finds out beforehand what would prevent a restore: unknown table names, missing roles, what the server lacks. No row
 * is read if there is a manifest; a dump without one is read only if tables are named.
 *
 * @throws what {@link restoreDump} would throw for these
 */
export async function foreseeRestore(
  context: RestoreContext,
  source: DumpSource,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<void> {
  const { target } = options;
  if (source.manifest === undefined && onlyTables(target) === undefined) return;
  const dump = await knowDump(source, context.startProgress, signal);
  const name = targetName(target, context.database);
  const scratch = scratchName(name, backupId(context.now()));
  await planBuild(context, source, dump, options, { name, scratch }, signal);
}

interface BuildPlan {
  readonly selection: TableSelection | undefined;
  readonly plan: RestorePlan;
  /** How the locale of the database that is replaced will change; undefined if it stays the same. */
  readonly localeChange: string | undefined;
  readonly jobs: number;
}

async function planBuild(
  { database, log }: RestoreContext,
  source: DumpSource,
  dump: KnownDump,
  { target, noOwner, jobs }: RestoreOptions,
  place: { readonly name: string; readonly scratch: string },
  signal: AbortSignal,
): Promise<BuildPlan> {
  const only = onlyTables(target);
  const selection = only && selectTables(dump, await chooseTables(source, dump, only, 'restore', signal));
  return administer(database, signal, async (admin) => {
    const plan = await planRestore(admin, source, dump, { ...place, noOwner, log });
    return {
      selection,
      plan,
      localeChange: await findLocaleChange(admin, place.name, () => plan.creation),
      jobs: jobs === undefined ? 1 : await planJobs(admin, (selection ?? dump).tables, jobs, log),
    };
  });
}

/** Learns what there is to restore, plans it, and fills a scratch database. */
async function build(
  context: RestoreContext,
  source: DumpSource,
  options: RestoreOptions,
  place: {
    /** The name of the database that is to be replaced or added. */
    readonly name: string;
    readonly scratch: string;
    readonly makeRoom: () => Promise<void>;
    readonly onLeft: (rows: LeftRows) => void;
  },
  signal: AbortSignal,
): Promise<{ readonly selection: TableSelection | undefined; readonly filled: FilledFrom }> {
  const { log } = context;
  const { target, noOwner } = options;
  const { name, scratch, makeRoom, onLeft } = place;
  // Nothing is dropped for a dump unless every byte of it has been seen.
  const know = target.kind === 'in-place' ? proveDump : knowDump;
  const dump = await know(source, context.startProgress, signal);
  const planned = await planBuild(context, source, dump, options, { name, scratch }, signal);
  const { selection, plan, localeChange } = planned;
  if (localeChange !== undefined) log.warn(`the restored database ${name} uses ${localeChange}`);
  const conversion = describeConversion(dump.encoding, plan.creation.encoding, target.kind);
  if (conversion !== undefined) log.info(conversion);
  if (target.kind === 'in-place')
    await rehearseSchema(context, source, { scratch, plan, dump, noOwner }, signal);
  const how = { ...planned, scratch, dump, noOwner, noWayBack: target.kind === 'in-place', makeRoom, onLeft };
  return { selection, filled: await buildScratch(context, source, how, signal) };
}
