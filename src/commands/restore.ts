import { availableParallelism } from 'node:os';
import { chooseBackup } from '../catalog/choose-backup.ts';
import { describeFaults } from '../catalog/verification.ts';
import { openLocalDump } from '../dump/local-dump.ts';
import { EXIT } from '../errors.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { type Database, openDatabase } from '../postgres/database.ts';
import { type RestoreOptions, type RestoreReport, restoreDump } from '../restore/restore.ts';
import {
  checkTarget,
  type FoundDatabases,
  findDatabases,
  type RestoreTarget,
} from '../restore/restore-target.ts';
import { backupSource, fileSource, type RestoreSource } from '../restore/source.ts';
import { formatBytes, formatDuration, formatNumber, formatTime } from '../ui/format.ts';
import { RESTORE_GROUPS } from './groups.ts';
import { isWhole } from './media.ts';
import { mediaOfRestore, type RestoreMedia } from './restore-media.ts';
import {
  type RestoreFlags,
  type RestoreSession,
  readJobs,
  readRowsTarget,
  readTarget,
  readWanted,
  type WantedDump,
  wantedBackup,
} from './restore-options.ts';
import { restoreRows } from './restore-rows.ts';
import { type Invocation, lockFor, openSession, withStore } from './session.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/**
 * `restore [ID|FILE]`: a backup or a local dump into a new database that takes the old one's place, or single tables of
 * it into a database beside.
 *
 * @returns the exit status
 */
export async function run(invocation: Invocation, what: string | undefined): Promise<number> {
  const flags = invocation.options as RestoreFlags;
  const wanted = readWanted(what, flags);
  const rows = readRowsTarget(flags);
  const how: RestoreOptions = {
    target: readTarget(flags),
    noOwner: !flags.owner,
    jobs: { asked: readJobs(flags), cores: availableParallelism() },
  };
  return withSource(invocation, wanted, (session, source, media) =>
    rows === undefined
      ? restoreSource(invocation, session, source, how, media)
      : restoreRows(invocation, session, source, rows),
  );
}

async function withSource(
  invocation: Invocation,
  wanted: WantedDump,
  work: (session: RestoreSession, source: RestoreSource, media: RestoreMedia) => Promise<number>,
): Promise<number> {
  const { env, signal } = invocation;
  if (wanted.by === 'file') {
    const session = openSession(invocation, ['database', 'tools', 'lock']);
    const local = await openLocalDump(wanted.file, signal);
    const source = fileSource(wanted.file, local, { ...session.config, env });
    return work(session, source, mediaOfRestore(invocation, session.log, undefined));
  }
  const session = openSession(invocation, RESTORE_GROUPS);
  const { config } = session;
  return withStore(session, async (store) => {
    const backup = await chooseBackup(store, config.prefix, wantedBackup(wanted, config.prefix), {
      now: session.now(),
      database: config.database,
      passOver: ({ id }, check) =>
        session.log.warn(
          `passing over backup ${id}, which a verification has found faulty: ${describeFaults(check)} — to restore it all the same, name it`,
        ),
      doubt: ({ id }, check) =>
        session.log.warn(
          `backup ${id} could not be restored when it was verified at ${formatTime(new Date(check.at))}: ${describeFaults(check)}`,
        ),
      signal,
    });
    const source = backupSource(store, backup, { ...config, env });
    return work(session, source, mediaOfRestore(invocation, session.log, { store, backup }));
  });
}

async function restoreSource(
  invocation: Invocation,
  session: RestoreSession,
  source: RestoreSource,
  how: RestoreOptions,
  media: RestoreMedia,
): Promise<number> {
  const { options, env, signal } = invocation;
  const { target } = how;
  const flags = options as RestoreFlags;
  warnOfVariables(session.log, invocation);
  const database = openDatabase(session.config, env);
  const name = target.kind === 'into' ? target.name : database.name;
  const found = await database.use(database.maintenanceName, signal, (admin) => findDatabases(admin, name));
  checkTarget(source, target, database, found);
  const intent = describeIntent(source, database, found, target);
  const replaces = found.exists && target.kind !== 'into';
  if (replaces && flags.dryRun !== true) session.confirm.assertPossible(intent);
  const partial = target.kind === 'into' && target.only !== undefined;
  // What a whole backup lacks says little of single tables.
  const before = partial ? null : ((await media.before()) ?? null);
  if (flags.dryRun === true) {
    const restored = (await media.bringBack(true)) ?? null;
    session.print(
      { dryRun: true, source: source.name, bytes: source.bytes, would: intent, media: { before, restored } },
      `would ${intent}`,
    );
    return EXIT.done;
  }
  if (replaces) await session.confirm(intent);
  const began = performance.now();
  const report = await restoreAlone(session, database, source, how, signal);
  const text = renderReport(source, report, performance.now() - began);
  const restored = await media.bringBack(false).catch((error: unknown) => {
    // The database is restored all the same, and where the old one is has to be known.
    for (const line of text.split('\n')) session.log.info(line);
    throw error;
  });
  // A database that was only added does not tell which objects are orphans.
  const after = target.kind === 'into' ? null : ((await media.after()) ?? null);
  session.print(
    {
      source: source.name,
      ...report,
      kept: report.kept ?? null,
      media: { before, restored: restored ?? null, after },
    },
    text,
  );
  return restored === undefined || isWhole(restored) ? EXIT.done : EXIT.fault;
}

/** Meanwhile no backup is taken of a database that is about to be replaced, and what is being read is not pruned. */
function restoreAlone(
  session: RestoreSession,
  database: Database,
  source: RestoreSource,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const name = options.target.kind === 'into' ? options.target.name : database.name;
  const purpose = `restore ${source.name} into database ${name} on ${database.server}`;
  return withLock(database, lockFor(session, 'restore', purpose), signal, (held) =>
    restoreDump({ ...session, database }, source, options, held),
  );
}

/** What will happen, with everything that will be gone afterwards. */
function describeIntent(
  source: RestoreSource,
  { server }: Database,
  { name, exists, kept }: FoundDatabases,
  target: RestoreTarget,
): string {
  const only = target.kind === 'into' && target.only !== undefined ? `${target.only.join(', ')} of ` : '';
  const what = `restore ${only}${source.name} (${formatBytes(source.bytes)}, ${provenance(source)})`;
  if (target.kind === 'into' || !exists) return `${what} into a new database ${name} on ${server}`;
  if (target.kind === 'in-place') return `DROP database ${name} on ${server}, then ${what} in its place`;
  const old = target.dropOld ? 'and drop the old one' : 'keeping the old one under another name';
  const gone = kept.length === 0 ? '' : `; drop ${kept.join(', ')}, kept by an earlier restore`;
  return `${what} in the place of database ${name} on ${server}, ${old}${gone}`;
}

/** Whose dump it is and of when, which its name alone does not tell. */
function provenance({ manifest }: RestoreSource): string {
  if (manifest === undefined) return 'without a manifest';
  const { database, startedAt } = manifest;
  return `${database === null ? 'a pushed dump' : `of database ${database.name}`}, ${formatTime(new Date(startedAt))}`;
}

function renderReport(source: RestoreSource, report: RestoreReport, ms: number): string {
  const { database, kept, dropped, only, tables, rows, bytes, bytesRead } = report;
  if (only !== undefined) {
    const each = only.map(({ table, rows: own }) => `${table} (${formatNumber(own, 'row')})`).join(', ');
    return `restored ${each} of ${source.name} into database ${database}, where all other tables are empty: read ${formatBytes(bytesRead)} of ${formatBytes(bytes)}, in ${formatDuration(ms)}`;
  }
  const lines = [
    `restored ${source.name} into database ${database}: ${formatBytes(bytes)}, ${formatNumber(tables, 'table')}, ${formatNumber(rows, 'row')}, in ${formatDuration(ms)}`,
  ];
  if (kept !== undefined) lines.push(`the old database is kept as ${kept}; the next restore drops it`);
  for (const name of dropped) lines.push(`dropped database ${name}`);
  return lines.join('\n');
}
