import { availableParallelism } from 'node:os';
import { chooseBackup } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import { openLocalDump } from '../dump/local-dump.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { type Database, openDatabase } from '../postgres/database.ts';
import { type RestoreOptions, type RestoreReport, restoreDump } from '../restore/restore.ts';
import { type FoundDatabases, findDatabases, type RestoreTarget } from '../restore/restore-target.ts';
import { backupSource, fileSource, type RestoreSource } from '../restore/source.ts';
import { formatBytes, formatCount, formatDuration } from '../ui/format.ts';
import { type RestoreFlags, readJobs, readTarget, readWanted } from './restore-options.ts';
import {
  holderName,
  type Invocation,
  openSession,
  type Session,
  warnOfForeignVariables,
  withStore,
} from './session.ts';

type RestoreSession = Omit<Session<never>, 'config'> & { readonly config: Config<'database' | 'lock'> };

/** `restore [ID|FILE]`: a backup or a local dump into a new database that takes the old one's place. */
export async function run(invocation: Invocation, what: string | undefined): Promise<undefined> {
  const flags = invocation.options as RestoreFlags;
  const wanted = readWanted(what, flags);
  const how: RestoreOptions = {
    target: readTarget(flags),
    noOwner: !flags.owner,
    jobs: { asked: readJobs(flags), cores: availableParallelism() },
  };
  const { env, signal } = invocation;
  if (wanted.by === 'file') {
    const session = openSession(invocation, ['database', 'tools', 'lock']);
    const local = await openLocalDump(wanted.file, signal);
    const source = fileSource(wanted.file, local, { ...session.config, env });
    await restoreSource(invocation, session, source, how);
    return;
  }
  const session = openSession(invocation, ['database', 'store', 'tools', 'lock']);
  const { config } = session;
  await withStore(config, async (store) => {
    const backup = await chooseBackup(store, config.prefix, wanted, signal);
    await restoreSource(invocation, session, backupSource(store, backup, { ...config, env }), how);
  });
}

async function restoreSource(
  { options, env, signal }: Invocation,
  session: RestoreSession,
  source: RestoreSource,
  how: RestoreOptions,
): Promise<void> {
  const { target } = how;
  const flags = options as RestoreFlags;
  warnOfForeignVariables(session.log, env);
  const database = openDatabase(session.config, env);
  const name = target.kind === 'into' ? target.name : database.name;
  const found = await database.use(database.maintenanceName, signal, (admin) => findDatabases(admin, name));
  const intent = describeIntent(source, database, found, target);
  if (flags.dryRun === true) {
    session.print(
      { dryRun: true, source: source.name, bytes: source.bytes, would: intent },
      `would ${intent}`,
    );
    return;
  }
  if (found.exists && target.kind !== 'into') await session.confirm(intent);
  const began = performance.now();
  const report = await restoreAlone(session, database, source, how, signal);
  session.print(
    { source: source.name, ...report, kept: report.kept ?? null },
    renderReport(source, report, performance.now() - began),
  );
}

/** No backup is taken of a database that is about to be replaced; one that is only added is in nobody's way. */
function restoreAlone(
  session: RestoreSession,
  database: Database,
  source: RestoreSource,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const restore = (held: AbortSignal) => restoreDump({ ...session, database }, source, options, held);
  if (options.target.kind === 'into') return restore(signal);
  const lock = {
    purpose: `restore ${source.name} into database ${database.name} on ${database.server}`,
    holder: holderName('restore'),
    waitMs: session.config.lockWait,
    log: session.log,
  };
  return withLock(database, lock, signal, restore);
}

/** What will happen, with everything that will be gone afterwards. */
function describeIntent(
  source: RestoreSource,
  { server }: Database,
  { name, exists, kept }: FoundDatabases,
  target: RestoreTarget,
): string {
  const only = target.kind === 'into' && target.only !== undefined ? `${target.only.join(', ')} of ` : '';
  const what = `restore ${only}${source.name} (${formatBytes(source.bytes)})`;
  if (target.kind === 'into' || !exists) return `${what} into a new database ${name} on ${server}`;
  if (target.kind === 'in-place') return `DROP database ${name} on ${server}, then ${what} in its place`;
  const old = target.dropOld ? 'and drop the old one' : 'keeping the old one under another name';
  const gone = kept.length === 0 ? '' : `; drop ${kept.join(', ')}, kept by an earlier restore`;
  return `${what} in the place of database ${name} on ${server}, ${old}${gone}`;
}

function renderReport(source: RestoreSource, report: RestoreReport, ms: number): string {
  const { database, kept, dropped, only, tables, rows, bytes, bytesRead } = report;
  if (only !== undefined) {
    const each = only.map(({ table, rows: own }) => `${table} (${formatCount(own)} rows)`).join(', ');
    return `restored ${each} of ${source.name} into database ${database}, where all other tables are empty: read ${formatBytes(bytesRead)} of ${formatBytes(bytes)}, in ${formatDuration(ms)}`;
  }
  const lines = [
    `restored ${source.name} into database ${database}: ${formatBytes(bytes)}, ${formatCount(tables)} tables, ${formatCount(rows)} rows, in ${formatDuration(ms)}`,
  ];
  if (kept !== undefined) lines.push(`the old database is kept as ${kept}; the next restore drops it`);
  for (const name of dropped) lines.push(`dropped database ${name}`);
  return lines.join('\n');
}
