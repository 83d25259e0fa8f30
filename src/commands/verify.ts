import type { Backup } from '../catalog/backup.ts';
import { type Catalog, isDeleted, newestBackup, newestBackups } from '../catalog/catalog.ts';
import { findNamed, SEE_LIST, type Wanted } from '../catalog/choose-backup.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { type Depth, faultLine } from '../catalog/verification.ts';
import { readIfGiven } from '../config/config.ts';
import { ConfigError, EXIT, NotFoundError, OperatorError } from '../errors.ts';
import { joinLines } from '../ui/controls.ts';
import { formatCount, formatNumber } from '../ui/format.ts';
import type { Verification } from '../verify/evidence.ts';
import { type VerifyContext, verifyBackup } from '../verify/verify-backup.ts';
import { readBackupId } from './backup-id.ts';
import { drillDatabase } from './drill-database.ts';
import { READ_GROUPS } from './groups.ts';
import { type CommonOptions, type Invocation, openSession, type Session, withStore } from './session.ts';
import { verifyContext } from './verify-context.ts';

/** The options of `verify`, as given. */
interface VerifyFlags extends CommonOptions {
  readonly all?: true;
  readonly quick?: true;
  readonly restore?: true;
}

/** `verify [ID]`: whether backups are still what was written. @returns the exit status */
export async function run(invocation: Invocation, id: string | undefined): Promise<number> {
  const flags = invocation.options as VerifyFlags;
  const depth = readDepth(flags);
  if (id !== undefined && flags.all) throw usage('an ID and --all cannot be combined');
  const wanted: Wanted = id === undefined ? { by: 'latest' } : readBackupId(id, 'ID');
  const session = openSession(invocation, READ_GROUPS);
  const drillServer = depth === 'restore' ? drillDatabase(invocation) : undefined;
  const { signal } = session;
  const looked = await withStore(session, async (store) => {
    const context = verifyContext(session, store, drillServer);
    if (flags.all) return verifyEach(context, depth, (done) => session.tell(render(done)), signal);
    const backup = await choose(context, session, wanted);
    return { results: [await verifyBackup(context, backup, depth, signal)], failed: 0 };
  });
  const documents = looked.results.map(toDocument);
  if (flags.all) session.print(documents, `\n${summarize(looked)}`);
  else session.print(documents[0], looked.results.map(render).join('\n'));
  if (looked.results.some(({ faults }) => faults.length > 0)) return EXIT.fault;
  return looked.failed > 0 ? EXIT.failed : EXIT.done;
}

/** The outcome for the backups to be verified. */
interface Looked {
  readonly results: readonly Verification[];
  /** How many could not be verified. */
  readonly failed: number;
}

/**
 * All of them, one after the other. A backup that cannot be verified, or is pruned meanwhile, does not stop the others.
 */
async function verifyEach(
  context: VerifyContext,
  depth: Depth,
  tell: (verification: Verification) => void,
  signal: AbortSignal,
): Promise<Looked> {
  const { store, log } = context;
  const results: Verification[] = [];
  let failed = 0;
  let isEmpty = true;
  for await (const backup of newestBackups(context, signal)) {
    isEmpty = false;
    try {
      const verification = await verifyBackup(context, backup, depth, signal);
      results.push(verification);
      tell(verification);
    } catch (error) {
      if (signal.aborted || !(error instanceof OperatorError)) throw error;
      if (error instanceof NotFoundError && (await isDeleted(store, backup, signal))) {
        log.warn(`backup ${backup.id} was deleted in the meantime`);
        continue;
      }
      log.error(`backup ${backup.id} could not be verified: ${error.message}`);
      failed += 1;
    }
  }
  if (isEmpty) throw noBackup(context);
  return { results, failed };
}

function readDepth({ quick, restore }: VerifyFlags): Depth {
  if (quick && restore) throw usage('--quick and --restore cannot be combined');
  return quick ? 'quick' : restore ? 'restore' : 'full';
}

/** A broken one too: finding those is the purpose. */
async function choose(
  context: VerifyContext,
  session: Session<never>,
  wanted: Wanted,
): Promise<Backup<Manifest>> {
  const { signal } = session;
  if (wanted.by === 'id') return findNamed(context, wanted, `cannot verify backup ${wanted.id}`, signal);
  const database = readIfGiven(session, 'database');
  const newest = await newestBackup(context, { database, now: context.now() }, signal);
  if (newest === undefined) throw noBackup(context, { database, but: ', or only ones dated in the future' });
  return newest;
}

function noBackup(
  { store, prefix }: Catalog,
  { database, but = '' }: { readonly database?: string | undefined; readonly but?: string } = {},
): NotFoundError {
  const whose = database === undefined ? '' : ` of database ${database}`;
  return new NotFoundError({
    doing: 'cannot verify any backup',
    problem: `there is no backup${whose} under ${prefix} of bucket ${store.bucket}${but}`,
    remedy: SEE_LIST,
  });
}

function toDocument({ id, depth, checked, faults }: Verification) {
  return { id, depth, ok: faults.length === 0, checked, faults };
}

function render({ id, depth, faults, proved, unproved }: Verification): string {
  if (faults.length === 0) {
    return joinLines([`${id} is good (${depth})`, `  proved: ${proved}`, `  not proved: ${unproved}`]);
  }
  const count = formatNumber(faults.length, 'fault');
  return joinLines([
    `${id} is FAULTY (${depth}), ${count}:`,
    ...faults.map((fault) => `  ${faultLine(fault)}`),
  ]);
}

function summarize({ results, failed }: Looked): string {
  const bad = results.filter(({ faults }) => faults.length > 0).length;
  const found = bad === 0 ? 'all good' : `${formatCount(bad)} faulty`;
  const left = failed === 0 ? [] : [`${formatCount(failed)} could not be verified`];
  return [`${formatCount(results.length)} verified`, ...(results.length > 0 ? [found] : []), ...left].join(
    ', ',
  );
}

function usage(problem: string): ConfigError {
  return new ConfigError({ doing: 'cannot verify', problem, remedy: 'see `topobank-backup verify --help`' });
}
