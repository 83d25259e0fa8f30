import { compareMedia, type MediaFault } from '../audit/compare-media.ts';
import { counted } from '../audit/counted.ts';
import { onlyMedia } from '../audit/only-media.ts';
import type { Backup } from '../catalog/backup.ts';
import { SEE_LIST } from '../catalog/choose-backup.ts';
import { mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { NotFoundError } from '../errors.ts';
import { takePages } from '../s3/object-page.ts';
import type { Store } from '../s3/store.ts';
import { formatNumber } from '../ui/format.ts';
import type { StartProgress } from '../ui/progress.ts';

export interface MediaCheckContext {
  readonly store: Store;
  /** Prefixes that hold no media, in case they are under the media prefix. */
  readonly otherPrefixes: readonly string[];
  readonly startProgress: StartProgress;
}

/**
 * Yields where a backup's media differ from its list, as the differences are found by merging the list with the
 * bucket as it is now.
 *
 * @param onUntold receives the key of each object whose ETag does not show whether it has changed, because only one
 * of the two was written in parts, such as a copy that was brought back
 * @throws NotFoundError for a backup without such a list, or that was deleted meanwhile, DumpError, StoreError, or the
 * signal's reason
 */
export async function* checkMedia(
  { store, otherPrefixes, startProgress }: MediaCheckContext,
  backup: Backup,
  onUntold: (key: string) => void,
  signal: AbortSignal,
): AsyncGenerator<readonly MediaFault[]> {
  const list = mediaListOf(backup);
  if (list === undefined) throw await noList(store, backup, signal);
  const { manifest } = backup;
  const recorded = manifest?.media;
  const prefix = recorded !== undefined && 'prefix' in recorded ? recorded.prefix : '';
  const progress = startProgress('media', 0, (objects) => formatNumber(objects, 'object'));
  const objects = counted(takePages(store.listPages(prefix, { signal })), (page) =>
    progress.add(page.length),
  );
  try {
    yield* compareMedia(
      readMediaManifest(store, list.key, signal),
      onlyMedia(objects, prefix, otherPrefixes),
      ({ key }) => onUntold(key),
    );
  } finally {
    progress.stop();
  }
}

/** The list may be missing because the backup is being deleted, of which the dump is the first to go. */
async function noList(store: Store, { id, dump }: Backup, signal: AbortSignal): Promise<NotFoundError> {
  const doing = `cannot check the media of backup ${id}`;
  if (dump !== undefined && (await store.head(dump.key, signal)) === undefined) {
    return new NotFoundError({ doing, problem: 'it was deleted in the meantime', remedy: SEE_LIST });
  }
  return new NotFoundError({
    doing,
    problem: `bucket ${store.bucket} has no list of them`,
    remedy: `read its dump instead: topobank-backup audit-orphans --backup ${id}`,
  });
}
