import type { Backup } from '../catalog/backup.ts';
import { isDeleted } from '../catalog/catalog.ts';
import { type MediaEntry, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { NotFoundError, OperatorError } from '../errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { broadcast } from '../s3/broadcast.ts';
import { keyBytes } from '../s3/key-bytes.ts';
import { type KeyRange, listRanges } from '../s3/range-listing.ts';
import type { ObjectInfo } from '../s3/store.ts';
import { stoppable } from '../stoppable.ts';
import { formatBytes } from '../ui/format.ts';
import { watched } from '../watched.ts';
import type { BackupAuditContext } from './audit-backup.ts';
import { readDumpReferences } from './dumped/dump-references.ts';
import { compareMedia } from './join/compare-media.ts';
import { joinReferences } from './join/join-references.ts';
import { onlyMedia } from './join/only-media.ts';
import { OBJECTS_PER_RANGE } from './join/reference-ranges.ts';
import { isListComplete } from './sources/listed-sources.ts';
import { assertSources, NoSourcesError } from './sources/match-sources.ts';

/** The state that a backup's media would be in if it were restored today. */
export type BackupOutlook =
  | {
      readonly id: string;
      /** What was read: the list beside the backup, or its dump if the list is incomplete. */
      readonly by: 'media manifest' | 'dump';
      /** Keys that its rows name; when read from the list, also keys of objects that they own by a prefix. */
      readonly references: number;
      /** How many of these have no object. */
      readonly dangling: number;
      /** How many have a different object than when the backup was taken; null if unknown. */
      readonly changed: number | null;
    }
  | {
      readonly id: string;
      readonly problem: string;
      /** There is nothing to foresee, because no table is known whose rows own objects. */
      readonly ownsNothing?: true;
    };

/**
 * Checks how much of the media of several backups still exists, listing the bucket once for all of them.
 *
 * @throws StoreError, or the signal's reason; a backup that cannot be read is reported in its outlook, and one
 * deleted in the meantime is left out
 */
export async function findOutlooks(
  context: BackupAuditContext,
  backups: readonly Backup[],
  signal: AbortSignal,
): Promise<BackupOutlook[]> {
  if (backups.length === 0) return [];
  const space = { ...context.space, memory: context.space.memory / backups.length };
  const progress = context.startProgress('audit', 0, 'objects');
  const { either, stop } = stoppable(signal);
  let listingFailure: unknown;
  async function* listed(): AsyncGenerator<readonly ObjectInfo[]> {
    try {
      yield* listBucket(context, backups, either);
    } catch (error) {
      listingFailure = error;
      throw error;
    }
  }
  const pages = watched(listed(), (page) => {
    progress.step(undefined);
    progress.add(page.length);
  });
  let bytesRead = 0;
  const onBytes = (bytes: number) => {
    bytesRead += bytes;
    progress.step(`reading rows from dumps: ${formatBytes(bytesRead)} so far`);
  };
  const readers = broadcast(pages, backups.length);

  async function outlookOf(
    backup: Backup,
    objects: AsyncIterable<readonly ObjectInfo[]>,
  ): Promise<BackupOutlook | undefined> {
    try {
      return await judgeBackup({ ...context, space, onBytes }, backup, objects, either);
    } catch (error) {
      either.throwIfAborted();
      if (error === listingFailure || !(error instanceof OperatorError)) throw error;
      if (error instanceof NotFoundError && (await isDeleted(context.store, backup, either))) {
        context.log.warn(`backup ${backup.id} was deleted meanwhile`);
        return undefined;
      }
      const found = { id: backup.id, problem: error.message };
      return error instanceof NoSourcesError ? { ...found, ownsNothing: true } : found;
    }
  }

  try {
    const outlooks = await mapConcurrently([...backups.entries()], backups.length, async ([at, backup]) => {
      const objects = readers[at] as AsyncIterableIterator<readonly ObjectInfo[]>;
      try {
        return await outlookOf(backup, objects);
      } catch (error) {
        // Otherwise the others would go on reading, of which nobody learns anything any more.
        stop(error);
        throw error;
      } finally {
        // Otherwise the other readers would keep waiting for this one.
        await objects.return?.();
      }
    });
    return outlooks.filter((outlook) => outlook !== undefined);
  } finally {
    progress.stop();
  }
}

/** Splits the listing among the readers at the keys of one list of media, if any backup has one. */
function listBucket(
  { store, mediaPrefix, otherPrefixes, readers }: BackupAuditContext,
  backups: readonly Backup[],
  signal: AbortSignal,
): AsyncGenerator<readonly ObjectInfo[]> {
  const list = backups.map(mediaListOf).find((found) => found !== undefined);
  const entries = list === undefined ? [] : readMediaManifest(store, list.key, undefined, signal);
  const ranges = cutEvenly(entries, signal);
  const listing = listRanges(store.listPages, mediaPrefix, ranges, { readers, signal, onRange: () => {} });
  return onlyMedia(listing, mediaPrefix, otherPrefixes);
}

/**
 * Cuts the bucket's keys into ranges of {@link OBJECTS_PER_RANGE} listed objects. If the list is faulty, one last
 * range extends to the end of the bucket: the cuts only save time, and the fault is reported when the list's own
 * backup is judged.
 */
async function* cutEvenly(
  list: AsyncIterable<readonly MediaEntry[]> | readonly never[],
  signal: AbortSignal,
): AsyncGenerator<KeyRange> {
  let after: string | undefined;
  let passed = 0;
  try {
    for await (const entries of list) {
      for (const entry of entries) {
        if (!('bytes' in entry)) continue;
        passed += 1;
        if (passed % OBJECTS_PER_RANGE !== 0 || !isBehind(entry.key, after)) continue;
        yield { after, upTo: entry.key };
        after = entry.key;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OperatorError)) throw error;
  }
  yield { after, upTo: undefined };
}

function isBehind(key: string, other: string | undefined): boolean {
  return other === undefined || keyBytes(key) > keyBytes(other);
}

async function judgeBackup(
  context: BackupAuditContext & { readonly onBytes: (bytes: number) => void },
  backup: Backup,
  objects: AsyncIterable<readonly ObjectInfo[]>,
  signal: AbortSignal,
): Promise<BackupOutlook> {
  const { id } = backup;
  const list = mediaListOf(backup);
  let references = 0;
  let dangling = 0;
  if (list !== undefined && isListComplete(backup, context)) {
    let changed = 0;
    const listed = readMediaManifest(context.store, list.key, backup.manifest?.media, signal);
    const entries = watched(listed, (batch) => {
      references += batch.filter((entry: MediaEntry) => 'key' in entry).length;
    });
    for await (const faults of compareMedia(entries, objects)) {
      changed += faults.filter(({ kind }) => kind === 'changed').length;
      dangling += faults.filter(({ kind }) => kind === 'missing' || kind === 'never there').length;
    }
    return { id, by: 'media manifest', references, dangling, changed };
  }
  if (backup.state === 'broken') return { id, problem: backup.fault };
  const read = await readDumpReferences(context, backup, context.onBytes, signal);
  try {
    // A backup may have been taken before the application made its tables.
    if (read.hasTables) assertSources(read.matched, 'dump');
    const rows = watched(read.references, (batch) => {
      references += batch.filter(({ kind }) => kind === 'key').length;
    });
    const candidates = joinReferences({ references: rows, objects, cutoff: new Date(0) });
    for await (const batch of candidates) dangling += batch.filter(({ kind }) => kind === 'dangling').length;
  } finally {
    await read.close();
  }
  return { id, by: 'dump', references, dangling, changed: null };
}
