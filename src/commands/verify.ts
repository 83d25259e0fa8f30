import { type Backup, findBackup, listBackups, newestBackups } from '../catalog/catalog.ts';
import type { Wanted } from '../catalog/choose-backup.ts';
import { type Depth, faultLine } from '../catalog/verification.ts';
import type { Config } from '../config/config.ts';
import { ConfigError, EXIT, NotFoundError } from '../errors.ts';
import type { Store } from '../s3/store.ts';
import { formatCount } from '../ui/format.ts';
import type { Verification } from '../verify/verification.ts';
import { type VerifyContext, verifyBackup } from '../verify/verify-backup.ts';
import { readBackupId } from './backup-id.ts';
import { drillDatabase } from './drill-database.ts';
import { type CommonOptions, type Invocation, openSession, withStore } from './session.ts';

/** The options of `verify`, as they are given. */
export interface VerifyFlags extends CommonOptions {
  readonly all?: true;
  readonly quick?: true;
  readonly restore?: true;
}

/** `verify [ID]`: whether backups are what they were written as. @returns the exit status */
export async function run(invocation: Invocation, id: string | undefined): Promise<number> {
  const flags = invocation.options as VerifyFlags;
  const depth = readDepth(flags);
  if (id !== undefined && flags.all) throw usage('an ID and --all exclude each other');
  const wanted: Wanted = id === undefined ? { by: 'latest' } : readBackupId(id, 'ID');
  const session = openSession(invocation, ['store', 'tools']);
  const drillServer = depth === 'restore' ? drillDatabase(invocation) : undefined;
  const { config } = session;
  const { env, tool, signal } = invocation;
  const results = await withStore(config, async (store) => {
    const context = { ...session, ...config, env, tool, store, drillDatabase: drillServer };
    const done: Verification[] = [];
    for (const backup of await choose(store, config, flags.all ? 'all' : wanted, signal)) {
      const verification = flags.all
        ? await unlessDeleted(context, backup, depth, signal)
        : await verifyBackup(context, backup, depth, signal);
      if (verification === undefined) continue;
      done.push(verification);
      if (flags.all) session.tell(render(verification));
    }
    return done;
  });
  const documents = results.map(toDocument);
  if (flags.all) session.print(documents, `\n${summarize(results)}`);
  else session.print(documents[0], results.map(render).join('\n'));
  return results.some(({ faults }) => faults.length > 0) ? EXIT.fault : EXIT.done;
}

/** Among all backups, one that is pruned in the course of it is none of them. @returns undefined for such a one */
async function unlessDeleted(
  context: VerifyContext,
  backup: Backup,
  depth: Depth,
  signal: AbortSignal,
): Promise<Verification | undefined> {
  try {
    return await verifyBackup(context, backup, depth, signal);
  } catch (error) {
    const { store, prefix, log } = context;
    if (!(error instanceof NotFoundError)) throw error;
    if ((await findBackup(store, prefix, backup.id, signal)) !== undefined) throw error;
    log.warn(`backup ${backup.id} was deleted meanwhile`);
    return undefined;
  }
}

function readDepth({ quick, restore }: VerifyFlags): Depth {
  if (quick && restore) throw usage('--quick and --restore exclude each other');
  return quick ? 'quick' : restore ? 'restore' : 'full';
}

/** One or all, also those that are broken: that is what is asked. */
async function choose(
  store: Store,
  { prefix }: Config<'store'>,
  wanted: Wanted | 'all',
  signal: AbortSignal,
): Promise<Backup[]> {
  if (wanted === 'all') {
    const backups = await listBackups(store, prefix, signal);
    if (backups.length === 0) throw noBackup(store, prefix, 'any backup');
    return backups;
  }
  if (wanted.by === 'id') {
    const backup = await findBackup(store, prefix, wanted.id, signal);
    if (backup === undefined) throw noBackup(store, prefix, `backup ${wanted.id}`);
    return [backup];
  }
  for await (const backup of newestBackups(store, prefix, signal)) return [backup];
  throw noBackup(store, prefix, 'any backup');
}

function noBackup(store: Store, prefix: string, what: string): NotFoundError {
  return new NotFoundError({
    doing: `cannot verify ${what}`,
    problem: `there is none under ${prefix} of bucket ${store.bucket}`,
    remedy: 'run `topobank-backup list` to see what there is',
  });
}

function toDocument({ id, depth, checked, faults }: Verification) {
  return { id, depth, ok: faults.length === 0, checked, faults };
}

function render({ id, depth, faults, proved, unproved }: Verification): string {
  if (faults.length === 0) {
    return `${id} is good (${depth})\n  proved: ${proved}\n  not proved: ${unproved}`;
  }
  const count = faults.length === 1 ? 'a fault' : `${formatCount(faults.length)} faults`;
  return [`${id} is FAULTY (${depth}), ${count}:`, ...faults.map((fault) => `  ${faultLine(fault)}`)].join(
    '\n',
  );
}

function summarize(results: readonly Verification[]): string {
  const bad = results.filter(({ faults }) => faults.length > 0).length;
  const verified = `${formatCount(results.length)} verified`;
  return bad === 0 ? `${verified}, all good` : `${verified}, ${formatCount(bad)} faulty`;
}

function usage(problem: string): ConfigError {
  return new ConfigError({ doing: 'cannot verify', problem, remedy: 'see `topobank-backup verify --help`' });
}
