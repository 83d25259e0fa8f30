import { idTime } from '../catalog/backup-name.ts';
import { chooseBackup, type Wanted } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import { openLocalDump } from '../dump/local-dump.ts';
import { ConfigError } from '../errors.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import type { Database } from '../postgres/database.ts';
import {
  type RestoreOptions,
  type RestoreReport,
  type RestoreTarget,
  restoreDump,
} from '../restore/restore.ts';
import { backupSource, fileSource, type RestoreSource } from '../restore/source.ts';
import type { Store } from '../s3/store.ts';
import { formatBytes, formatCount, formatDuration } from '../ui/format.ts';
import {
  type CommonOptions,
  databaseOf,
  holderName,
  type Invocation,
  openSession,
  type Session,
  withStore,
} from './session.ts';

/** The options of `restore`, as they are given. */
export interface RestoreFlags extends CommonOptions {
  readonly latest?: true;
  readonly at?: string;
  readonly into?: string;
  readonly inPlace?: true;
  readonly dropOld?: true;
  /** commander's reading of `--no-owner`. */
  readonly owner: boolean;
  readonly dryRun?: true;
}

type RestoreSession = Omit<Session<never>, 'config'> & { readonly config: Config<'database' | 'lock'> };

/** `restore [ID|FILE]`: a backup or a local dump into a new database that takes the old one's place. */
export async function run(invocation: Invocation, what: string | undefined): Promise<undefined> {
  const flags = invocation.options as RestoreFlags;
  const wanted = readWanted(what, flags);
  const options: RestoreOptions = { target: readTarget(flags), noOwner: !flags.owner };
  if (wanted.by !== 'file') {
    const session = openSession(invocation, ['database', 'store', 'tools', 'lock']);
    const { config } = session;
    await withStore(config, async (store) => {
      const source = await findSource(store, config, wanted, invocation);
      await restoreSource(invocation, session, source, options, flags);
    });
    return;
  }
  const session = openSession(invocation, ['database', 'tools', 'lock']);
  const local = await openLocalDump(wanted.file, invocation.signal);
  const source = fileSource(wanted.file, local, { binDir: session.config.binDir, env: invocation.env });
  await restoreSource(invocation, session, source, options, flags);
}

async function findSource(
  store: Store,
  config: Config<'store' | 'tools'>,
  wanted: Wanted,
  { env, signal }: Invocation,
): Promise<RestoreSource> {
  const backup = await chooseBackup(store, config.prefix, wanted, signal);
  return backupSource(store, backup, { binDir: config.binDir, env });
}

async function restoreSource(
  invocation: Invocation,
  session: RestoreSession,
  source: RestoreSource,
  options: RestoreOptions,
  flags: RestoreFlags,
): Promise<void> {
  const { config } = session;
  const intent = describeIntent(source, config, options.target);
  if (flags.dryRun === true) {
    session.print(
      { dryRun: true, source: source.name, bytes: source.bytes, would: intent },
      `would ${intent}`,
    );
    return;
  }
  if (options.target.kind !== 'into') await session.confirm(intent);
  const database = databaseOf(config, invocation.env);
  const began = performance.now();
  const report = await restoreAlone(session, database, source, options, invocation.signal);
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

function describeIntent(source: RestoreSource, config: Config<'database'>, target: RestoreTarget): string {
  const where = `${config.host}:${config.port}`;
  const what = `restore ${source.name} (${formatBytes(source.bytes)})`;
  switch (target.kind) {
    case 'into':
      return `${what} into a new database ${target.name} on ${where}`;
    case 'in-place':
      return `DROP database ${config.database} on ${where}, then ${what} in its place`;
    case 'swap':
      return `${what} in the place of database ${config.database} on ${where}, ${target.dropOld ? 'and then drop the old one' : 'keeping the old one under another name'}`;
  }
}

function renderReport(source: RestoreSource, report: RestoreReport, ms: number): string {
  const { database, kept, dropped, tables, rows, bytes } = report;
  const lines = [
    `restored ${source.name} into database ${database}: ${formatBytes(bytes)}, ${formatCount(tables)} tables, ${formatCount(rows)} rows, in ${formatDuration(ms)}`,
  ];
  if (kept !== undefined) lines.push(`the old database is kept as ${kept}; the next restore drops it`);
  for (const name of dropped) lines.push(`dropped database ${name}`);
  return lines.join('\n');
}

function readTarget({ into, inPlace, dropOld }: RestoreFlags): RestoreTarget {
  const given = [
    into === undefined ? '' : '--into',
    inPlace ? '--in-place' : '',
    dropOld ? '--drop-old' : '',
  ];
  const both = given.filter((flag) => flag !== '');
  if (both.length > 1) throw usage(`${both.join(' and ')} exclude each other`, 'give one of them');
  if (into !== undefined) {
    if (into === '' || Buffer.byteLength(into) > 63) {
      throw usage(`--into: ${JSON.stringify(into)} is not accepted`, 'give a name of 1 to 63 bytes');
    }
    return { kind: 'into', name: into };
  }
  return inPlace ? { kind: 'in-place' } : { kind: 'swap', dropOld: dropOld === true };
}

type WantedDump = Wanted | { readonly by: 'file'; readonly file: string };

function readWanted(what: string | undefined, { latest, at }: RestoreFlags): WantedDump {
  const given = [what, latest, at].filter((choice) => choice !== undefined).length;
  if (given !== 1) {
    throw usage(
      given === 0 ? 'it is not said which backup' : 'more than one backup is named',
      'give an ID, a FILE, --latest or --at TIME',
    );
  }
  if (at !== undefined) return { by: 'time', at: readTime(at) };
  if (what === undefined || what === 'latest') return { by: 'latest' };
  return idTime(what) === undefined ? { by: 'file', file: what } : { by: 'id', id: what };
}

function readTime(text: string): Date {
  // A time without a zone is UTC, as all times of the tool are.
  const iso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const zoned = iso === null ? '' : `${text.replace(' ', 'T')}${iso[1] === undefined || iso[4] ? '' : 'Z'}`;
  const time = idTime(text) ?? new Date(zoned);
  if (!Number.isNaN(time.getTime())) return time;
  throw usage(`--at: ${JSON.stringify(text)} is not accepted`, 'give a UTC time such as 2026-11-23T10:30');
}

function usage(problem: string, remedy: string): ConfigError {
  return new ConfigError({ doing: 'cannot restore', problem, remedy });
}
