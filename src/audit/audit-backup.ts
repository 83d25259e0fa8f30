import { idTime } from '../catalog/backup-name.ts';
import type { UsableBackup } from '../catalog/catalog.ts';
import { listRanges } from '../s3/range-listing.ts';
import { formatCount } from '../ui/format.ts';
import type { StartProgress } from '../ui/progress.ts';
import type { AuditReport } from './audit-media.ts';
import { counted } from './counted.ts';
import { type DumpReferencesContext, readDumpReferences } from './dump-references.ts';
import type { FindingSink } from './finding.ts';
import { joinReferences } from './join.ts';
import { assertSources } from './match-sources.ts';
import { onlyMedia } from './only-media.ts';
import { cutRanges } from './reference-ranges.ts';
import { TOPOBANK_SOURCES } from './reference-sources.ts';
import { describe } from './resolve-candidates.ts';
import { createTally } from './tally.ts';

/** Nothing is an orphan by a backup: what its rows do not own may be younger than it, or another's. */
const NOT_SOUGHT = ['orphan', 'pending', 'protected'] as const;

const NEVER = new Date(0);

export interface BackupAuditContext extends DumpReferencesContext {
  /** What in the bucket is no media, should it lie under the media prefix. */
  readonly otherPrefixes: readonly string[];
  /** Requests for listings at the same time. */
  readonly readers: number;
  readonly startProgress: StartProgress;
}

/** What is asked of a backup; see {@link AuditReport}. */
export interface BackupAuditReport extends Omit<AuditReport, 'unread'> {
  /** Its id. */
  readonly backup: string;
}

/**
 * Joins the rows of a backup, read out of its dump, with the objects of the bucket as it is now: what would dangle if
 * this backup were restored today.
 *
 * @throws ConfigError when no row of it is known to own any object, DumpError, StoreError, or the signal's reason
 */
export async function auditBackup(
  context: BackupAuditContext,
  backup: UsableBackup,
  sink: FindingSink,
  signal: AbortSignal,
): Promise<BackupAuditReport> {
  const { store, mediaPrefix, otherPrefixes, readers } = context;
  const { matched, references } = await readDumpReferences(context, backup, signal);
  assertSources(matched, TOPOBANK_SOURCES);
  const tally = createTally(mediaPrefix, NOT_SOUGHT);
  const progress = context.startProgress('audit', 0, (objects) => `${formatCount(objects)} objects`);
  const cut = cutRanges(references);
  const listing = listRanges(store.listPages, mediaPrefix, cut.ranges, {
    readers,
    signal,
    onRange: cut.measured,
  });
  try {
    const candidates = joinReferences({
      references: counted(cut.references, tally.references),
      objects: counted(onlyMedia(listing, mediaPrefix, otherPrefixes), (page) => {
        tally.objects(page);
        progress.add(page.length);
      }),
      cutoff: NEVER,
    });
    for await (const batch of candidates) {
      const findings = batch.map((candidate) => describe(candidate, new Map()));
      tally.findings(findings);
      await sink.write(findings);
    }
  } finally {
    progress.stop();
  }
  const { manifest } = backup;
  return {
    backup: backup.id,
    at: manifest?.snapshot?.at ?? manifest?.startedAt ?? idTime(backup.id)?.toISOString() ?? '',
    database: manifest?.database?.name ?? '',
    bucket: store.bucket,
    prefix: mediaPrefix,
    era: matched.era,
    ...tally.summary(),
  };
}
