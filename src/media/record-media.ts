import { listMedia } from '../audit/join/list-media.ts';
import { referenceQuery } from '../audit/rows/reference-query.ts';
import { seeAllRows, sortInMemory } from '../audit/rows/reference-session.ts';
import { type Reference, readReferences } from '../audit/rows/references.ts';
import { inspectDatabase } from '../audit/sources/inspect-database.ts';
import { readOwnReferences } from '../audit/sources/own-references.ts';
import { sourceNames, TOPOBANK_SOURCES } from '../audit/sources/reference-sources.ts';
import { type LinesWriter, openLinesWriter } from '../catalog/gzipped-lines.ts';
import type { Manifest } from '../catalog/manifest.ts';
import {
  countMedia,
  encodeMediaEntries,
  type MediaCounts,
  type MediaEntry,
} from '../catalog/media-manifest.ts';
import { StoreError } from '../errors.ts';
import { copyOut } from '../postgres/copy-out.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { joinSnapshot, type Snapshot } from '../postgres/snapshot.ts';
import type { ListPages } from '../s3/range-listing.ts';
import type { ObjectInfo, Store } from '../s3/store.ts';
import { stoppable } from '../stoppable.ts';
import { formatNumber, formatObjects } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import { watched } from '../watched.ts';
import { ownedMedia } from './owned-media.ts';

/** Where media are, and which rows own them. */
export interface MediaSettings {
  /** Prefix of every media object, with its slash; '' for the whole bucket. */
  readonly mediaPrefix: string;
  /** Prefixes that hold no media, in case they are under the media prefix. */
  readonly otherPrefixes: readonly string[];
  /** The setting AUDIT_REFERENCES. */
  readonly auditReferences: string | undefined;
  /** Number of concurrent listing requests. */
  readonly auditReaders: number;
}

interface MediaContext extends MediaSettings {
  readonly database: Database;
  readonly store: Store;
  /** Maximum number of parts that the server accepts in one upload. */
  readonly maxParts: number;
  readonly log: Logger;
}

/** Sees a page of objects that were listed. */
type OnPage = (page: readonly ObjectInfo[]) => void;

type MediaSummary = NonNullable<Manifest['media']>;

/** A media manifest that is being written beside a dump. */
export interface MediaRecording {
  /**
   * Waits until all of it is on its way to the store, or has failed, which {@link finish} reports. Never throws.
   *
   * @param onListed receives the number of objects listed so far, at once and whenever it grows
   */
  written(onListed: (objects: number) => void): Promise<void>;
  /**
   * Waits for its end and makes it visible. An error becomes a warning, in the result and in the log, and leaves
   * nothing of the list behind. Undefined for a database in which no row is known to own an object.
   */
  finish(): Promise<MediaSummary | undefined>;
  /** Stops it, and removes whatever exists of it. Never throws. */
  abort(): Promise<void>;
}

/**
 * Begins to write to `key` the list of the media that the rows of a snapshot name: the rows joined with the bucket as
 * it is now, in constant memory.
 *
 * @param snapshot must last until the recording has ended
 */
export function recordMedia(
  context: MediaContext,
  snapshot: Snapshot,
  key: string,
  signal: AbortSignal,
): MediaRecording {
  const { log } = context;
  const { either, stop } = stoppable(signal);
  let writer: LinesWriter | undefined;
  let listed = 0;
  let tell = (_objects: number): void => {};
  const onPage = (page: readonly ObjectInfo[]) => {
    listed += page.length;
    tell(listed);
  };

  async function warn(error: unknown): Promise<MediaSummary> {
    await writer?.abort();
    signal.throwIfAborted();
    const warning = databaseError('cannot record the media of the backup', error).message;
    log.warn(`the backup has no list of its media: ${warning}`);
    return { warning };
  }

  const open = async () => {
    writer = await openLinesWriter(context.store, key, { maxParts: context.maxParts, signal: either });
    return writer;
  };
  const recorded = writeList(context, snapshot, { open, onPage }, either).then(
    (summary) => ({ summary, error: undefined }),
    (error: unknown) => ({ summary: undefined, error }),
  );
  return {
    async written(onListed) {
      tell = onListed;
      tell(listed);
      await recorded;
    },
    async finish() {
      const { summary, error } = await recorded;
      if (error !== undefined) return warn(error);
      try {
        await writer?.complete();
      } catch (failure) {
        return warn(failure);
      }
      if (summary !== undefined) report(context, summary);
      return summary;
    },
    async abort() {
      stop(new Error('the backup was aborted'));
      await recorded;
      await writer?.abort();
    },
  };
}

/**
 * Writes the list, without making it visible.
 *
 * @param list `open` begins the object that it is written to, `onPage` sees what is listed
 * @returns undefined if no row is known to own an object; nothing is written then
 */
async function writeList(
  context: MediaContext,
  snapshot: Snapshot,
  list: { readonly open: () => Promise<LinesWriter>; readonly onPage: OnPage },
  signal: AbortSignal,
): Promise<MediaSummary | undefined> {
  const ownSources = await readOwnReferences(context.auditReferences);
  const { database, mediaPrefix, log } = context;
  return database.use(database.name, signal, async (client) => {
    await joinSnapshot(client, snapshot);
    const { matched, serverEncoding } = await inspectDatabase(client, ownSources);
    if (matched.sources.length === 0) {
      log.debug(`no row of database ${database.name} is known to own media`);
      return undefined;
    }
    for (const problem of matched.unread)
      log.warn(`the backup’s list of media lacks what rows own that cannot be read: ${problem}`);
    await seeAllRows(client, serverEncoding);
    await sortInMemory(client);
    const sql = referenceQuery(matched.sources, {
      mediaPrefix,
      cutoff: new Date(snapshot.at),
      serverEncoding,
    });
    const rows = readReferences(copyOut(database, client, `COPY (${sql}) TO STDOUT`), matched.sources);
    const writer = await list.open();
    let references = 0;
    const onReferences = (batch: readonly Reference[]) => {
      references += batch.length;
    };
    const owned = await listOwned(context, rows, { onReferences, onPage: list.onPage }, signal);
    const counts = await writeEntries(writer, owned);
    // A list that lacks rows was made with no source completely, so the dump is read as well.
    const complete = matched.unread.length === 0 ? [...TOPOBANK_SOURCES, ...ownSources] : [];
    return {
      bucket: context.store.bucket,
      prefix: mediaPrefix,
      era: matched.era,
      sources: sourceNames(complete),
      references,
      ...counts,
    };
  });
}

async function listOwned(
  context: MediaContext,
  rows: ReturnType<typeof readReferences>,
  seen: { readonly onReferences: (batch: readonly Reference[]) => void; readonly onPage: OnPage },
  signal: AbortSignal,
): Promise<AsyncIterable<readonly MediaEntry[]>> {
  const { mediaPrefix, otherPrefixes, auditReaders } = context;
  const listPages = await chooseListing(context, signal);
  const area = { listPages, mediaPrefix, otherPrefixes, readers: auditReaders };
  const { references, objects, isListed } = listMedia(rows, area, signal);
  return ownedMedia({
    references: watched(references, seen.onReferences),
    objects: watched(objects, seen.onPage),
    isListed,
  });
}

/**
 * The listing with version ids if the bucket keeps versions, or has kept them, and lists them; a list without them is
 * better than none.
 */
async function chooseListing(
  { store, mediaPrefix, log }: MediaContext,
  signal: AbortSignal,
): Promise<ListPages> {
  let problem = 'the server does not say whether the bucket keeps versions';
  try {
    const versioning = await store.versioning(signal);
    if (versioning === 'off') return store.listPages;
    if (versioning !== 'not told') {
      for await (const _ of store.listVersionPages(mediaPrefix, { signal })) break;
      return store.listVersionPages;
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    problem = error.message;
  }
  log.warn(`the backup’s media cannot be restored from versions, because none are recorded: ${problem}`);
  return store.listPages;
}

async function writeEntries(
  writer: LinesWriter,
  entries: AsyncIterable<readonly MediaEntry[]>,
): Promise<MediaCounts> {
  const counts: MediaCounts = { objects: 0, bytes: 0, dangling: 0 };
  for await (const batch of entries) {
    countMedia(counts, batch);
    await writer.write(encodeMediaEntries(batch));
  }
  await writer.end();
  return counts;
}

function report({ store, log }: MediaContext, summary: MediaSummary): void {
  if ('warning' in summary) return;
  const { objects, bytes, dangling, prefix } = summary;
  const lacks = dangling === 0 ? '' : `; no object for ${formatNumber(dangling, 'key')} that rows name`;
  log.info(`recorded the backup’s media: ${formatObjects({ count: objects, bytes })}${lacks}`);
  if (objects === 0 && dangling > 0) {
    log.warn(
      `bucket ${store.bucket} has no object under ${prefix} that a row names: check AWS_MEDIA_PREFIX, or set MEDIA_MANIFEST=off`,
    );
  }
}
