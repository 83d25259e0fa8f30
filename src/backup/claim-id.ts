import { setTimeout as delay } from 'node:timers/promises';
import { backupId, dumpKey, idTime, keyStart, parseObjectName } from '../catalog/backup-name.ts';
import { type Catalog, isFree } from '../catalog/catalog.ts';
import { StoreError } from '../errors.ts';
import { abandonUpload, beginUpload } from '../s3/begin-upload.ts';
import type { Store, Upload } from '../s3/store.ts';

/** How many seconds after its own time a backup may take its name from. */
const SECONDS = 60;

/** How often to take another name because another run takes the same one at the same moment. */
const MOST_TRIES = 10;

/** How often, and how many milliseconds apart, to look whether the others have given way. */
const MOST_LOOKS = 10;
const LOOK_AGAIN_MS = 200;

/** The id of a new backup, and the upload of its dump, by which other runs see that the id is taken. */
export interface ClaimedId {
  readonly id: string;
  readonly upload: Upload;
}

/**
 * Claims the id of a backup begun at `now`, or of the next second that no other backup has, finished or being uploaded:
 * existing objects are never overwritten. The services of several databases may begin at the very same moment.
 *
 * @throws StoreError if a whole minute is taken
 */
export async function claimFreeId(catalog: Catalog, now: Date, signal: AbortSignal): Promise<ClaimedId> {
  const { store } = catalog;
  let from = now;
  for (let tries = 1; ; tries += 1) {
    const id = await findFreeId(catalog, from, signal);
    const { upload } = await beginDump(catalog, id, signal);
    const place = await placeOf(catalog, id, upload, signal).catch(async (error: unknown) => {
      await abandonUpload(store, upload);
      throw error;
    });
    // A server that lists uploads under other ids than it gives shows each run its own upload as another's.
    if (place === undefined || tries === MOST_TRIES) return { id, upload };
    await abandonUpload(store, upload);
    // Each of the runs that see one another takes another second.
    from = new Date((idTime(id) ?? now).getTime() + (place + 1) * 1000);
  }
}

/** Begins the upload of a dump without looking whether another one has the id. */
export async function beginDump(
  { store, prefix }: Catalog,
  id: string,
  signal: AbortSignal,
): Promise<ClaimedId> {
  const options = { contentType: 'application/sql', signal };
  return { id, upload: await beginUpload(store, dumpKey(prefix, id), options) };
}

async function findFreeId(catalog: Catalog, now: Date, signal: AbortSignal): Promise<string> {
  const { store, prefix } = catalog;
  const uploading = await listUploading(store, keyStart(prefix), signal);
  const taken = new Set(uploading.map(({ key }) => parseObjectName(prefix, key)?.id));
  for (let second = 0; second < SECONDS; second++) {
    const id = backupId(new Date(now.getTime() + second * 1000));
    if (!taken.has(id) && (await isFree(catalog, id, signal))) return id;
  }
  throw new StoreError({
    doing: `cannot name a backup in bucket ${store.bucket}`,
    problem: `all names for ${SECONDS} seconds from ${backupId(now)} on are taken`,
    remedy: 'run one backup at a time',
  });
}

/**
 * Where an upload stands among those of its key. Whoever begins one later sees the earlier ones, and gives way; only if
 * they begin at the same moment does each see the others. Then the first by its id waits for the others to give way.
 *
 * @returns undefined if it is alone, and no other backup has its id by now
 */
async function placeOf(
  catalog: Catalog,
  id: string,
  { key, uploadId }: Upload,
  signal: AbortSignal,
): Promise<number | undefined> {
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    if (looks > 0) await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    const others = (await listUploading(catalog.store, key, signal)).filter(
      (other) => other.key === key && other.uploadId !== uploadId,
    );
    if (others.length === 0) return (await isFree(catalog, id, signal)) ? undefined : 0;
    const place = others.filter((other) => other.uploadId < uploadId).length;
    if (place > 0) return place;
  }
  return 0;
}

/** The uploads in progress, as far as the server says and the key may ask. */
async function listUploading(
  store: Store,
  start: string,
  signal: AbortSignal,
): Promise<{ readonly key: string; readonly uploadId: string }[]> {
  const uploads: { readonly key: string; readonly uploadId: string }[] = [];
  try {
    for await (const upload of store.listUploads(start, signal)) uploads.push(upload);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
  return uploads;
}
