import type { UsableBackup } from '../catalog/backup.ts';
import { dumpTime } from '../catalog/backup-time.ts';
import { readWhole } from '../catalog/describe-backup.ts';
import { backupSource } from '../catalog/dump-source.ts';
import { databaseOf } from '../catalog/manifest.ts';
import { messageOf } from '../errors.ts';
import type { AuditReport } from './audit-media.ts';
import { findLabels } from './dumped/dump-labels.ts';
import { type DumpReferencesContext, readDumpReferences } from './dumped/dump-references.ts';
import type { Finding, FindingSink } from './finding.ts';
import { type JoinContext, joinBucket } from './join-bucket.ts';
import { findingOf } from './resolve-candidates.ts';
import { type Batch, batchOf } from './rows/reference-batches.ts';
import type { Reference } from './rows/references.ts';
import { assertSources } from './sources/match-sources.ts';
import type { Labels } from './sources/row-labels.ts';
import { createTally } from './tally.ts';

/** A backup cannot show that an object is an orphan: the object may be newer, or belong to something else. */
const NOT_SOUGHT = ['orphan', 'pending', 'protected'] as const;

const NEVER = new Date(0);

/** What is needed to read a backup's rows from its dump and to list the media of the bucket. */
export interface BackupAuditContext extends DumpReferencesContext, JoinContext {}

/** The audit of one backup; see {@link AuditReport}. */
interface BackupAuditReport extends Omit<AuditReport, 'database' | 'unread' | 'unreadTables'> {
  /** Id of the backup. */
  readonly backup: string;
  /** null if the backup does not say: it is a pushed or a foreign dump. */
  readonly database: string | null;
}

/**
 * Joins the rows of a backup, read from its dump, with the objects now in the bucket, to show what would dangle if
 * this backup were restored today.
 *
 * @throws ConfigError if none of its rows is known to own any object, DumpError, StoreError, or the signal's reason
 */
export async function auditBackup(
  context: BackupAuditContext,
  backup: UsableBackup,
  sink: FindingSink,
  signal: AbortSignal,
): Promise<BackupAuditReport> {
  const { store, mediaPrefix } = context;
  const { matched, references, close } = await readRows(context, backup, signal);
  const tally = createTally(mediaPrefix, NOT_SOUGHT);
  try {
    assertSources(matched, 'dump');
    for await (const batch of joinBucket(context, asBatches(references), { tally, cutoff: NEVER }, signal)) {
      const findings = batch.map((candidate) => findingOf(candidate, new Map()));
      tally.findings(findings);
      await sink.write(findings);
    }
  } finally {
    await close();
  }
  const { manifest } = backup;
  return {
    backup: backup.id,
    at: manifest?.snapshot?.at ?? dumpTime(backup).toISOString(),
    database: databaseOf(backup) ?? null,
    bucket: store.bucket,
    prefix: mediaPrefix,
    era: matched.era,
    ...tally.summary(),
  };
}

async function readRows(
  context: BackupAuditContext,
  backup: UsableBackup,
  signal: AbortSignal,
): ReturnType<typeof readDumpReferences> {
  // How much of it has its tables is not known.
  const progress = context.startProgress('read', 0);
  try {
    return await readDumpReferences(context, backup, progress.add, signal);
  } finally {
    progress.stop();
  }
}

/**
 * Adds to a few findings of {@link auditBackup} what people know their rows by, if the dump's tables can be read by
 * themselves; undefined if they cannot, or are damaged. No audit ends for lack of it.
 */
export function backupLabels(
  { store, tools, log }: BackupAuditContext,
  backup: UsableBackup,
  signal: AbortSignal,
): ((findings: readonly Finding[]) => Promise<readonly Finding[] | undefined>) | undefined {
  if (backup.manifest?.compression !== null) return undefined;
  return async (findings) => {
    try {
      const dump = backupSource(store, await readWhole(store, backup, signal), tools);
      const labelled = findings.filter((finding) => 'owner' in finding);
      const labels: ReadonlyMap<Finding, Labels> = await findLabels(dump, labelled, signal);
      return findings.map((finding) => ({ ...finding, ...labels.get(finding) }));
    } catch (error) {
      signal.throwIfAborted();
      log.warn(`topographies, surfaces and owners are not shown: ${messageOf(error)}`);
      return undefined;
    }
  };
}

async function* asBatches(references: AsyncIterable<readonly Reference[]>): AsyncGenerator<Batch> {
  for await (const some of references) yield batchOf(some);
}
