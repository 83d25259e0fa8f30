import { resolve } from 'node:path';
import { auditBackup } from '../audit/audit-backup.ts';
import { auditBackups, type BackupOutlook } from '../audit/audit-backups.ts';
import { auditMedia } from '../audit/audit-media.ts';
import type { FindingSink } from '../audit/finding.ts';
import { createFindingFile, type FindingFile } from '../audit/finding-file.ts';
import type { Summary } from '../audit/tally.ts';
import { listBackups } from '../catalog/catalog.ts';
import { chooseBackup } from '../catalog/choose-backup.ts';
import { ConfigError, EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import { auditAndQuarantine } from '../quarantine/audit-and-quarantine.ts';
import { checkQuarantinePrefix } from '../quarantine/names.ts';
import type { QuarantineReport } from '../quarantine/quarantine-orphans.ts';
import { formatBytes, formatCount, formatNumber } from '../ui/format.ts';
import { renderTable } from '../ui/table.ts';
import { backupAuditContext, mediaAuditContext } from './audit-context.ts';
import { type AuditOutput, jsonOutput, type ReportHead, textOutput } from './audit-output.ts';
import { readBackupId } from './backup-id.ts';
import { AUDIT_GROUPS, BACKUP_AUDIT_GROUPS, QUARANTINE_GROUPS } from './groups.ts';
import { type CommonOptions, type Invocation, lockFor, openSession, withStore } from './session.ts';

/** The options of `audit-orphans`, as they are given. */
export interface AuditFlags extends CommonOptions {
  readonly backup?: string;
  readonly allBackups?: true;
  readonly quarantine?: true;
  readonly ndjson?: string;
  readonly csv?: string;
}

/** `audit-orphans`: whether rows and media objects agree. @returns the exit status */
export async function run(invocation: Invocation): Promise<number> {
  const flags = invocation.options as AuditFlags;
  refuseTogether(flags);
  if (flags.quarantine === true) return quarantine(invocation);
  if (flags.allBackups === true) return auditAll(invocation);
  return flags.backup === undefined ? auditLive(invocation) : auditOne(invocation, flags.backup);
}

/** @throws ConfigError for options that exclude each other */
function refuseTogether(flags: AuditFlags): void {
  const pairs = [
    ['allBackups', 'backup'],
    ['allBackups', 'ndjson'],
    ['allBackups', 'csv'],
    ['allBackups', 'quarantine'],
    ['backup', 'quarantine'],
  ] as const;
  const pair = pairs.find((options) => options.every((option) => flags[option] !== undefined));
  if (pair !== undefined) {
    const [one, other] = pair.map((option) => `--${option.replace('B', '-b')}`);
    throw usage(`${one} and ${other} exclude each other`, 'give one of them');
  }
  const { ndjson, csv } = flags;
  if (ndjson !== undefined && csv !== undefined && resolve(ndjson) === resolve(csv)) {
    throw usage(`--ndjson and --csv name the same file, ${csv}`, 'give each a file of its own');
  }
}

function usage(problem: string, remedy: string): ConfigError {
  return new ConfigError({ doing: 'cannot audit', problem, remedy });
}

/** Moves the orphans once the audit was seen and it is confirmed. */
async function quarantine(invocation: Invocation): Promise<number> {
  const session = openSession(invocation, QUARANTINE_GROUPS);
  const { config } = session;
  const { env, signal } = invocation;
  const { json } = invocation.options;
  session.confirm.assertPossible(`move the orphans of bucket ${config.bucket} into quarantine`);
  checkQuarantinePrefix(config);
  const database = openDatabase(config, env);
  const { totals, quarantine } = await withOutput(invocation, session.write, async (sink, end) => {
    let audited: ReportHead | undefined;
    try {
      return await withStore(session, async (store) => {
        const context = {
          ...session,
          ...config,
          ...(await mediaAuditContext(session, store, database, env)),
          lockFor: (purpose: string) => lockFor(session, 'quarantine', purpose),
        };
        const onAudited = async (report: ReportHead) => {
          audited = report;
          // The one document comes at the end; people see what they are asked about.
          if (json !== true) await end(report);
        };
        return auditAndQuarantine(context, sink, onAudited, signal);
      });
    } catch (error) {
      // Without the move the audit is the result, and the document is not to break off.
      if (audited !== undefined) await end(audited);
      throw error;
    }
  });
  if (json !== true && quarantine !== undefined) session.print({}, renderQuarantine(quarantine));
  const stays = quarantine === undefined ? 0 : quarantine.left.count;
  return (totals.dangling?.count ?? 0) + stays > 0 ? EXIT.fault : EXIT.done;
}

/** What became of the orphans. */
function renderQuarantine({ run, moved, left }: QuarantineReport): string {
  const lines = [
    `moved ${formatNumber(moved.count, 'object')} (${formatBytes(moved.bytes)}) into quarantine, run ${run}`,
    ...left.first.map(({ key, reason }) => `left ${key}: ${reason}`),
  ];
  if (left.count > left.first.length)
    lines.push(`and ${formatCount(left.count - left.first.length)} more left`);
  return lines.join('\n');
}

async function auditLive(invocation: Invocation): Promise<number> {
  const session = openSession(invocation, AUDIT_GROUPS);
  const { config } = session;
  const database = openDatabase(config, invocation.env);
  const totals = await withOutput(invocation, session.write, (sink) =>
    withStore(session, async (store) =>
      auditMedia(await mediaAuditContext(session, store, database, invocation.env), sink, invocation.signal),
    ),
  );
  return judge(totals);
}

async function auditOne(invocation: Invocation, wanted: string): Promise<number> {
  const session = openSession(invocation, BACKUP_AUDIT_GROUPS);
  const { config } = session;
  const { signal } = invocation;
  const totals = await withOutput(invocation, session.write, (sink) =>
    withStore(session, async (store) => {
      const backup = await chooseBackup(store, config.prefix, readBackupId(wanted, '--backup'), {
        now: session.now(),
        signal,
      });
      const context = await backupAuditContext(session, store, invocation.env);
      return auditBackup(context, backup, sink, signal);
    }),
  );
  return judge(totals);
}

/** A line for each backup. */
async function auditAll(invocation: Invocation): Promise<number> {
  const session = openSession(invocation, BACKUP_AUDIT_GROUPS);
  const { config } = session;
  const outlooks = await withStore(session, async (store) => {
    const context = await backupAuditContext(session, store, invocation.env);
    return auditBackups(
      context,
      await listBackups(store, config.prefix, invocation.signal),
      invocation.signal,
    );
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
  const right = (title: string) => ({ title, align: 'right' as const });
  return renderTable(
    [{ title: 'id' }, right('references'), right('dangling'), right('changed'), { title: 'read from' }],
    outlooks.map((outlook) =>
      'problem' in outlook
        ? [outlook.id, '', '', '', `cannot be read: ${outlook.problem}`]
        : [outlook.id, show(outlook.references), show(outlook.dangling), show(outlook.changed), outlook.by],
    ),
  );
}

function judge({ totals: { dangling, orphan } }: Pick<Summary, 'totals'>): number {
  return (dangling?.count ?? 0) + (orphan?.count ?? 0) > 0 ? EXIT.fault : EXIT.done;
}

/** Writes the findings to stdout, and into the files that are asked for; these appear when `work` succeeds. */
async function withOutput<R extends ReportHead>(
  { options }: Invocation,
  write: (text: string) => Promise<void>,
  work: (sink: FindingSink, end: (report: ReportHead) => Promise<void>) => Promise<R>,
): Promise<R> {
  const { json, ndjson, csv } = options as AuditFlags;
  const output: AuditOutput = json === true ? jsonOutput(write) : textOutput(write);
  const files: FindingFile[] = [];
  try {
    if (ndjson !== undefined) files.push(await createFindingFile(ndjson, 'ndjson'));
    if (csv !== undefined) files.push(await createFindingFile(csv, 'csv'));
    let ended = false;
    const end = async (report: ReportHead) => {
      if (ended) return;
      ended = true;
      for (const file of files) await file.finish();
      await output.end(report);
    };
    const sink: FindingSink = {
      async write(findings) {
        for (const other of [output, ...files]) await other.write(findings);
      },
    };
    const report = await work(sink, end);
    await end(report);
    return report;
  } finally {
    for (const file of files) await file.discard();
  }
}
