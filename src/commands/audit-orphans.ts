import { resolve } from 'node:path';
import { auditBackup, backupLabels } from '../audit/audit-backup.ts';
import { agrees, auditMedia } from '../audit/audit-media.ts';
import { type BackupOutlook, findOutlooks } from '../audit/backup-outlooks.ts';
import { listBackups } from '../catalog/catalog.ts';
import type { SettingGroup } from '../config/setting.ts';
import { unreadFlags } from '../config/unread-flags.ts';
import { ConfigError, EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import { auditAndQuarantine } from '../quarantine/audit-and-quarantine.ts';
import { describeLeft } from '../quarantine/left-objects.ts';
import type { QuarantineReport } from '../quarantine/quarantine-orphans.ts';
import { formatCount, formatObjects } from '../ui/format.ts';
import { renderTable, right } from '../ui/table.ts';
import { backupAuditContext, mediaAuditContext, quarantineContext } from './audit-context.ts';
import { readBackupId } from './backup-id.ts';
import { chooseFor } from './choose.ts';
import { AUDIT_GROUPS, BACKUP_AUDIT_GROUPS, QUARANTINE_GROUPS } from './groups.ts';
import { type CommonOptions, type Invocation, openSession, type Session, withStore } from './session.ts';
import { warnOfVariables } from './warn-of-variables.ts';
import { type OutputFlags, withOutput } from './with-output.ts';

/** The options of `audit-orphans`, as given. */
interface AuditFlags extends CommonOptions, OutputFlags {
  readonly backup?: string;
  readonly allBackups?: true;
  readonly quarantine?: true;
}

/** `audit-orphans`: whether rows and media objects agree. @returns the exit status */
export async function run(invocation: Invocation): Promise<number> {
  const flags = invocation.options as AuditFlags;
  refuseTogether(flags);
  refuseInVain(invocation);
  if (flags.quarantine === true) return quarantine(invocation);
  if (flags.allBackups === true) return auditAll(invocation);
  return flags.backup === undefined ? auditLive(invocation) : auditOne(invocation, flags.backup);
}

/** @throws ConfigError for options that exclude each other, or for a file whose name means stdout elsewhere */
function refuseTogether(flags: AuditFlags): void {
  const { ndjson, csv } = flags;
  const given = {
    '--all-backups': flags.allBackups,
    '--backup': flags.backup,
    '--quarantine': flags.quarantine,
    '--ndjson': ndjson,
    '--csv': csv,
  };
  const pairs = [
    ['--all-backups', '--backup'],
    ['--all-backups', '--ndjson'],
    ['--all-backups', '--csv'],
    ['--all-backups', '--quarantine'],
    ['--backup', '--quarantine'],
  ] as const;
  const pair = pairs.find((names) => names.every((name) => given[name] !== undefined));
  if (pair !== undefined) throw usage(`${pair.join(' and ')} cannot be combined`, 'give only one of them');
  if (ndjson !== undefined && csv !== undefined && resolve(ndjson) === resolve(csv)) {
    throw usage(`--ndjson and --csv name the same file, ${csv}`, 'give each its own file');
  }
  if (ndjson === '-' || csv === '-')
    throw usage('findings are not written to stdout as --ndjson or --csv', 'give a file, or use --json');
}

/** @throws ConfigError for options that the requested audit does not read */
function refuseInVain({ options, flags }: Invocation): void {
  const { backup, allBackups, quarantine, yes } = options as AuditFlags;
  const yesInVain = yes === true && quarantine !== true;
  if (yesInVain)
    throw usage('--yes applies only to --quarantine: a plain audit asks no questions', 'omit it');
  if (quarantine === true) return;
  const ofBackups = backup !== undefined || allBackups === true;
  const unread = unreadFlags(flags, ofBackups ? BACKUP_AUDIT_GROUPS : AUDIT_GROUPS);
  if (unread.length === 0) return;
  const what = ofBackups ? 'an audit of backups' : 'an audit without --quarantine';
  throw usage(`${what} does not accept ${unread.join(' or ')}`, `omit ${unread.join(' and ')}`);
}

function usage(problem: string, remedy: string): ConfigError {
  return new ConfigError({ doing: 'cannot audit', problem, remedy });
}

/** Warns of variables: a mistyped one would distort what an audit reports and, worse, what it moves. */
function begin<G extends SettingGroup>(invocation: Invocation, groups: readonly G[]): Session<G> {
  const session = openSession(invocation, groups);
  warnOfVariables(session);
  return session;
}

/** Shows the audit, and moves the orphans once that is confirmed. */
async function quarantine(invocation: Invocation): Promise<number> {
  const session = begin(invocation, QUARANTINE_GROUPS);
  const { config, confirm, env, signal } = session;
  const flags = session.options as AuditFlags;
  confirm.assertPossible(`move the orphans of bucket ${config.bucket} into quarantine`);
  const database = openDatabase(config, env);
  const { totals, quarantine } = await withOutput(flags, session.write, (sink) =>
    withStore(session, async (store) => {
      const context = {
        ...(await mediaAuditContext(session, store, database)),
        ...quarantineContext(session),
      };
      return auditAndQuarantine(context, sink, (report) => sink.audited(report), signal);
    }),
  );
  if (flags.json !== true && quarantine !== undefined) session.print({}, renderQuarantine(quarantine));
  const stays = quarantine === undefined ? 0 : quarantine.left.count;
  return (totals.dangling?.count ?? 0) + stays > 0 ? EXIT.fault : EXIT.done;
}

/** Describes what became of the orphans. */
function renderQuarantine({ run, moved, left }: QuarantineReport): string {
  return [
    moved.count === 0
      ? 'moved nothing into quarantine'
      : `moved ${formatObjects(moved)} into quarantine, run ${run}`,
    ...describeLeft(left, 'in place'),
  ].join('\n');
}

async function auditLive(invocation: Invocation): Promise<number> {
  const session = begin(invocation, AUDIT_GROUPS);
  const { config, env, options, signal, write } = session;
  const database = openDatabase(config, env);
  const report = await withOutput(options as AuditFlags, write, (sink) =>
    withStore(session, async (store) =>
      auditMedia(await mediaAuditContext(session, store, database), sink, signal),
    ),
  );
  return agrees(report) ? EXIT.done : EXIT.fault;
}

async function auditOne(invocation: Invocation, wanted: string): Promise<number> {
  const named = readBackupId(wanted, '--backup');
  const session = begin(invocation, BACKUP_AUDIT_GROUPS);
  const { options, signal, write } = session;
  const report = await withOutput(options as AuditFlags, write, (sink) =>
    withStore(session, async (store) => {
      const backup = await chooseFor(session, store, named);
      const context = await backupAuditContext(session, store);
      const report = await auditBackup(context, backup, sink, signal);
      await sink.audited(report, backupLabels(context, backup, signal));
      return report;
    }),
  );
  return agrees(report) ? EXIT.done : EXIT.fault;
}

/** Prints one line for each backup. */
async function auditAll(invocation: Invocation): Promise<number> {
  const session = begin(invocation, BACKUP_AUDIT_GROUPS);
  const { config, signal } = session;
  const outlooks = await withStore(session, async (store) => {
    const context = await backupAuditContext(session, store);
    return findOutlooks(context, await listBackups({ store, prefix: config.prefix }, signal), signal);
  });
  session.print(outlooks, renderOutlooks(outlooks));
  return outlooks.some(isFaulty) ? EXIT.fault : EXIT.done;
}

function isFaulty(outlook: BackupOutlook): boolean {
  return 'problem' in outlook || outlook.dangling > 0 || (outlook.changed ?? 0) > 0;
}

function renderOutlooks(outlooks: readonly BackupOutlook[]): string {
  if (outlooks.length === 0) return 'there are no backups';
  const show = (count: number | null) => (count === null ? '' : formatCount(count));
  return renderTable(
    ['id', right('references'), right('dangling'), right('changed'), 'read from'],
    outlooks.map((outlook) =>
      'problem' in outlook
        ? [outlook.id, '', '', '', `cannot be read: ${outlook.problem}`]
        : [outlook.id, show(outlook.references), show(outlook.dangling), show(outlook.changed), outlook.by],
    ),
  );
}
