import { compareMedia, type MediaFault } from '../audit/join/compare-media.ts';
import { onlyMedia } from '../audit/join/only-media.ts';
import type { Backup } from '../catalog/backup.ts';
import { isDeleted } from '../catalog/catalog.ts';
import { deletedMeanwhile } from '../catalog/choose-backup.ts';
import { lacksRows, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { NotFoundError } from '../errors.ts';
import { takePages } from '../s3/object-page.ts';
import type { Store } from '../s3/store.ts';
import type { StartProgress } from '../ui/progress.ts';
import { watched } from '../watched.ts';
import { countFindings, findingOf, type MediaFindingSink, type MediaTotals } from './media-finding.ts';

/** What comparing a backup’s media with the bucket needs. */
export interface MediaCheckContext {
  readonly store: Store;
  /** Prefixes that hold no media, in case they are under the media prefix. */
  readonly otherPrefixes: readonly string[];
  readonly startProgress: StartProgress;
}

/** How the media of a backup differ from its list. */
export interface MediaChecked {
  /** Id of the backup. */
  readonly backup: string;
  /** Whether every row that may own objects could be read when the list was made. */
  readonly listComplete: boolean;
  readonly totals: MediaTotals;
}

/**
 * Finds out where a backup's media differ from its list. What is missing is not sought in the quarantine.
 *
 * @throws what {@link mediaFaults} throws
 */
export async function checkMedia(
  context: MediaCheckContext,
  backup: Backup,
  sink: MediaFindingSink,
  signal: AbortSignal,
): Promise<MediaChecked> {
  const findings = countFindings(sink);
  for await (const faults of mediaFaults(context, backup, signal))
    await findings.write(faults.map(findingOf));
  return { backup: backup.id, listComplete: !lacksRows(backup.manifest?.media), totals: findings.totals };
}

/**
 * Yields where a backup's media differ from its list, as the differences are found by merging the list with the
 * bucket as it is now.
 *
 * @throws NotFoundError for a backup without such a list, or that was deleted meanwhile, DumpError, StoreError, or the
 * signal's reason
 */
export async function* mediaFaults(
  { store, otherPrefixes, startProgress }: MediaCheckContext,
  backup: Backup,
  signal: AbortSignal,
): AsyncGenerator<readonly MediaFault[]> {
  const list = mediaListOf(backup);
  if (list === undefined) throw await noList(store, backup, signal);
  const { manifest } = backup;
  const recorded = manifest?.media;
  const prefix = recorded !== undefined && 'prefix' in recorded ? recorded.prefix : '';
  const progress = startProgress('media', 0, 'objects');
  const objects = watched(takePages(store.listPages(prefix, { signal })), (page) =>
    progress.add(page.length),
  );
  try {
    yield* compareMedia(
      readMediaManifest(store, list.key, recorded, signal),
      onlyMedia(objects, prefix, otherPrefixes),
    );
  } finally {
    progress.stop();
  }
}

async function noList(store: Store, backup: Backup, signal: AbortSignal): Promise<NotFoundError> {
  const { id } = backup;
  const doing = `cannot check the media of backup ${id}`;
  if (await isDeleted(store, backup, signal)) return deletedMeanwhile(doing);
  return new NotFoundError({
    doing,
    problem: `bucket ${store.bucket} has no list of them`,
    remedy: `read its dump instead: topobank-backup audit-orphans --backup ${id}`,
  });
}
