import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import type { DumpSource } from '../catalog/dump-source.ts';
import type { DumpIndex, KnownDump } from '../dump/dump-index.ts';
import { RestoreError } from '../errors.ts';
import { administer } from '../postgres/database.ts';
import { describeCause } from '../postgres/errors.ts';
import { isAway } from '../postgres/server-away.ts';
import { finishScratch, prepareScratch } from './apply-facts.ts';
import { retryWhileAway } from './databases/retry-while-away.ts';
import { createScratch, dropScratch, mayHoldRows } from './databases/scratch.ts';
import type { ServerContext } from './databases/server-context.ts';
import { type FilledFrom, type FillOptions, type FillWay, fillDatabase } from './fill-database.ts';
import { tellLost } from './load/lost-privileges.ts';
import { isRefusal, mayPass } from './load/whose-fault.ts';
import type { LoadContext } from './load-context.ts';
import { describeMissingRows } from './missing-rows.ts';
import { perhapsForLackOfTables } from './narrow/lack-of-tables.ts';
import type { TableSelection } from './narrow/select-tables.ts';
import type { RestorePlan } from './plan-restore.ts';
import { analyzeTables } from './wide/analyze.ts';
import { flushCommits } from './wide/lanes.ts';

/** The rows of a partly restored database that stays. */
export interface LeftRows {
  /** The tables that lack rows, for people; undefined if none does. */
  readonly missing: string | undefined;
  /**
   * What of the dump is there: what precedes the failure; all but what was refused; all but what a crash of the server
   * may have taken; or everything.
   */
  readonly extent: 'rows' | 'all that was taken' | 'all that is logged' | 'all';
  /** Whether the restore may succeed at another attempt. */
  readonly mayPass: boolean;
}

interface BuildOptions {
  readonly scratch: string;
  readonly plan: RestorePlan;
  readonly dump: KnownDump;
  readonly selection: TableSelection | undefined;
  readonly jobs: number;
  readonly noOwner: boolean;
  /** Whether no other database is left to go back to once {@link makeRoom} has been called. */
  readonly noWayBack: boolean;
  /** Called once the scratch database exists and is still empty. */
  readonly makeRoom: () => Promise<void>;
  /** Called if the scratch database stays, with what has been restored, although the restore fails. */
  readonly onLeft: (rows: LeftRows) => void;
}

/**
 * Creates the scratch database, fills it and checks it. If any of that fails, it is dropped again, unless it is all that
 * is left and another attempt would fail in the same way.
 *
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function buildScratch(
  context: LoadContext,
  source: DumpSource,
  options: BuildOptions,
  signal: AbortSignal,
): Promise<FilledFrom> {
  const { database, log } = context;
  const { scratch, plan, dump, selection, jobs, noOwner, noWayBack } = options;
  await createScratch(context, scratch, plan.creation);
  /** Once the database that is replaced is gone, this one is all there is. */
  let isAlone = false;
  let filled: FilledFrom | undefined;
  try {
    signal.throwIfAborted();
    await options.makeRoom();
    isAlone = noWayBack;
    await administer(database, signal, (client) => prepareScratch(client, plan, { scratch, log }));
    const over = jobs === 1 ? '' : ` over ${jobs} connections`;
    log.info(`restoring ${source.name} into ${scratch}${over}`);
    const way: FillWay =
      jobs === 1 && selection === undefined
        ? { kind: 'whole', rowsInOrder: false }
        : { kind: 'by index', jobs, index: dump, selection };
    const finish: FillOptions['finish'] = async (lanes, taken, onStep) => {
      checkAgainst(source, dump, taken);
      await flushCommits(lanes.text.client, log);
      filled = taken;
      // A complete copy may be kept although what follows fails.
      tellLost(taken.lost, log);
      await analyzeTables(lanes, log, onStep);
    };
    const all = await fillDatabase(context, source, { scratch, noOwner, noWayBack, way, finish }, signal);
    const [refused] = refusedRows(all);
    if (refused !== undefined) throw refused;
    for (const foreignKey of selection?.foreignKeys ?? []) {
      log.warn(`left out foreign key ${foreignKey}, because the rows it refers to were not restored`);
    }
    await administer(database, signal, (client) => finishScratch(client, plan, { scratch, log }));
    signal.throwIfAborted();
    return all;
  } catch (error) {
    const holdsSome = () => mayHoldRows(context, scratch);
    if (isAlone && (filled !== undefined || (isRefusal(error) && (await holdsSome()))))
      options.onLeft(await finishLeft(context, options, { error, filled }, signal));
    else await dropScratch(context, scratch, error);
    throw selection === undefined ? error : perhapsForLackOfTables(error);
  }
}

/** One for each COPY of which the server has taken nothing. */
function refusedRows({ refused }: FilledFrom): RestoreError[] {
  return refused.flatMap(({ rows }) => (rows === undefined ? [] : [rows]));
}

/** Whoever uses what is left of a restore relies on its privileges and settings, and has to know what is missing. */
async function finishLeft(
  context: ServerContext,
  { scratch, plan, dump }: Pick<BuildOptions, 'scratch' | 'plan' | 'dump'>,
  { error, filled }: { readonly error: unknown; readonly filled: FilledFrom | undefined },
  signal: AbortSignal,
): Promise<LeftRows> {
  const { log } = context;
  await retryWhileAway(context, `to finish database ${scratch}`, (server, away) =>
    administer(server, away, (client) => finishScratch(client, plan, { scratch, log })),
  ).catch((failure: unknown) => log.error(`${scratch} is not as it was dumped: ${describeCause(failure)}`));
  const rows = filled === undefined ? [] : refusedRows(filled);
  const hasAllRows = filled !== undefined && rows.length === 0;
  const whole = isAway(error) ? 'all that is logged' : 'all';
  return {
    missing: hasAllRows ? undefined : await findMissing(context, scratch, dump, signal),
    extent: filled === undefined ? 'rows' : filled.refused.length > 0 ? 'all that was taken' : whole,
    mayPass:
      rows.length > 0 ? rows.every(mayPass) : error instanceof RestoreError ? mayPass(error) : isAway(error),
  };
}

/** Why rows are missing is told by the error; which tables lack them has to be counted. */
async function findMissing(
  { database, log }: ServerContext,
  scratch: string,
  { tables }: KnownDump,
  signal: AbortSignal,
): Promise<string | undefined> {
  // How many rows INSERTs have is not known, but the first that is refused ends the restore.
  if (tables.length === 0) return 'those of the refused statement, and all that follow it in the dump';
  log.info(`counting the rows of ${scratch}`);
  return describeMissingRows(database, scratch, tables, signal).catch(
    (error: unknown) =>
      `which ones is not known, because they could not be counted (${describeCause(error)})`,
  );
}

/** What was restored has to match the manifest or, without one, what the first reading found. */
function checkAgainst(
  { name, manifest, remedyForDamage }: DumpSource,
  dump: KnownDump,
  index: DumpIndex,
): void {
  // pg_restore writes a different key into the text each time (`\restrict`).
  const known = manifest ?? { ...dump, sections: index.sections };
  const fault = compareIndex(known, index)[0];
  if (fault === undefined) return;
  const before = manifest === undefined ? 'the first reading' : 'its manifest';
  throw new RestoreError({
    doing: `cannot restore ${name}`,
    problem: `what was read differs from ${before}: ${describeFault(fault)}`,
    remedy: remedyForDamage,
  });
}
