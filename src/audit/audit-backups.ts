import type { Backup } from '../catalog/backup.ts';
import { findBackup } from '../catalog/catalog.ts';
import { type MediaEntry, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { NotFoundError, OperatorError } from '../errors.ts';
import { broadcast } from '../s3/broadcast.ts';
import { keyBytes } from '../s3/key-bytes.ts';
import { type KeyRange, listRanges } from '../s3/range-listing.ts';
import type { ObjectInfo } from '../s3/store.ts';
import { formatNumber } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { BackupAuditContext } from './audit-backup.ts';
import { compareMedia } from './compare-media.ts';
import { counted } from './counted.ts';
import { readDumpReferences } from './dump-references.ts';
import { joinReferences } from './join.ts';
import { isListComplete } from './listed-sources.ts';
import { assertSources } from './match-sources.ts';
import { onlyMedia } from './only-media.ts';
import { OBJECTS_PER_RANGE } from './reference-ranges.ts';

/** What it takes to audit backups that may be pruned meanwhile. */
export interface BackupsAuditContext extends BackupAuditContext {
  /** Of the backups. */
  readonly prefix: string;
  readonly log: Logger;
}

/** What would be of a backup's media if it were restored today. */
export type BackupOutlook =
  | {
      readonly id: string;
      /** What it was read from: the list beside the backup, or its dump where the list does not tell all. */
      readonly by: 'media manifest' | 'dump';
      /** Keys that its rows name; by the list also those of objects that they own by a prefix. */
      readonly references: number;
      /** Of them, those without an object. */
      readonly dangling: number;
      /** Those whose object is another than when the backup was taken; null where that is not known. */
      readonly changed: number | null;
    }
  | { readonly id: string; readonly problem: string };

/**
 * Asks of several backups at once what of their media there is: the bucket is listed once for all of them.
 *
 * @throws StoreError, or the signal's reason; a backup that cannot be read is told as such, and one that
 * was deleted meanwhile is left out
 */
export async function auditBackups(
  context: BackupsAuditContext,
  backups: readonly Backup[],
  signal: AbortSignal,
): Promise<BackupOutlook[]> {
  if (backups.length === 0) return [];
  const space = { ...context.space, memory: context.space.memory / backups.length };
  const progress = context.startProgress('audit', 0, (objects) => formatNumber(objects, 'object'));
  let listingFailure: unknown;
  async function* listed(): AsyncGenerator<readonly ObjectInfo[]> {
    try {
      yield* listBucket(context, backups, signal);
    } catch (error) {
      listingFailure = error;
      throw error;
    }
  }
  const pages = counted(listed(), (page) => progress.add(page.length));
  const readers = broadcast(pages, backups.length);
  try {
    const outlooks = await Promise.all(
      backups.map(async (backup, at) => {
        const objects = readers[at] as AsyncIterableIterator<readonly ObjectInfo[]>;
        try {
          return await judgeBackup({ ...context, space }, backup, objects, signal);
        } catch (error) {
          signal.throwIfAborted();
          if (error === listingFailure || !(error instanceof OperatorError)) throw error;
          if (error instanceof NotFoundError && (await isGone(context, backup, signal))) {
            context.log.warn(`backup ${backup.id} was deleted meanwhile`);
            return undefined;
          }
          return { id: backup.id, problem: error.message };
        } finally {
          // The others wait for it no longer.
          await objects.return?.();
        }
      }),
    );
    return outlooks.filter((outlook) => outlook !== undefined);
  } finally {
    progress.stop();
  }
}

async function isGone(
  { store, prefix }: BackupsAuditContext,
  { id }: Backup,
  signal: AbortSignal,
): Promise<boolean> {
  return (await findBackup(store, prefix, id, signal)) === undefined;
}

/** The readers share the bucket by the keys of a list of media, where there is one. */
function listBucket(
  { store, mediaPrefix, otherPrefixes, readers }: BackupAuditContext,
  backups: readonly Backup[],
  signal: AbortSignal,
): AsyncGenerator<readonly ObjectInfo[]> {
  const list = backups.map(mediaListOf).find((found) => found !== undefined);
  const ranges = cutEvenly(list === undefined ? none() : readMediaManifest(store, list.key, signal), signal);
  const listing = listRanges(store.listPages, mediaPrefix, ranges, { readers, signal, onRange: () => {} });
  return onlyMedia(listing, mediaPrefix, otherPrefixes);
}

/**
 * Cuts the keys of a bucket at every so many of the objects that a list names. What is wrong with the list is told where
 * its backup is judged; the other backups need its cuts only to be quick, so one range goes to the end from there.
 */
async function* cutEvenly(
  list: AsyncIterable<readonly MediaEntry[]>,
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

async function* none(): AsyncGenerator<readonly MediaEntry[]> {}

async function judgeBackup(
  context: BackupAuditContext,
  backup: Backup,
  objects: AsyncIterable<readonly ObjectInfo[]>,
  signal: AbortSignal,
): Promise<BackupOutlook> {
  const { id } = backup;
  const list = mediaListOf(backup);
  let references = 0;
  let dangling = 0;
  if (list !== undefined && isListComplete(backup, context.ownSources)) {
    let changed = 0;
    const entries = counted(readMediaManifest(context.store, list.key, signal), (batch) => {
      references += batch.filter((entry: MediaEntry) => 'key' in entry).length;
    });
    for await (const faults of compareMedia(entries, objects)) {
      changed += faults.filter(({ kind }) => kind === 'changed').length;
      dangling += faults.filter(({ kind }) => kind !== 'changed').length;
    }
    return { id, by: 'media manifest', references, dangling, changed };
  }
  if (backup.state === 'broken') return { id, problem: backup.fault };
  const read = await readDumpReferences(context, backup, signal);
  assertSources(read.matched);
  const rows = counted(read.references, (batch) => {
    references += batch.filter(({ kind }) => kind === 'key').length;
  });
  const candidates = joinReferences({ references: rows, objects, cutoff: new Date(0) });
  for await (const batch of candidates) dangling += batch.filter(({ kind }) => kind === 'dangling').length;
  return { id, by: 'dump', references, dangling, changed: null };
}
