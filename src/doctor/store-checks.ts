import { randomUUID } from 'node:crypto';
import { StoreError } from '../errors.ts';
import { abandonUpload } from '../s3/begin-upload.ts';
import { answerOf } from '../s3/errors.ts';
import { collect, readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import { type DoctorFinding, examine, fault, judgeClock } from './check.ts';
import {
  describeFor,
  PROBE,
  type ProbeKeys,
  type ProbesLeft,
  putProbe,
  removeProbes,
  withUpload,
} from './store-probes.ts';

/** Remedy if a server does not list uploads in progress (ListMultipartUploads). */
const FIND_UPLOADS = 'add a lifecycle rule to the bucket that aborts incomplete uploads after a day';

/**
 * Tests what the tool needs of S3, on probe objects that it removes.
 *
 * @param prefix that of the backups
 * @param mediaPrefix that of the media, for which only listing is tested
 */
export async function examineStore(
  store: Store,
  { prefix, mediaPrefix }: { readonly prefix: string; readonly mediaPrefix: string },
  options: { readonly now: () => Date; readonly signal: AbortSignal },
): Promise<DoctorFinding[]> {
  const { signal } = options;
  const reachable = await examine('s3: list', signal, async () => {
    try {
      for await (const _ of store.list(prefix, { signal })) break;
    } catch (error) {
      if (error instanceof StoreError && answerOf(error.cause).code === 'NoSuchBucket') {
        // Nothing more can be tested, so it is unknown whether backups will work.
        return fault(
          `bucket ${store.bucket} does not exist on ${store.endpoint}`,
          'check AWS_STORAGE_BUCKET_NAME; `topobank-backup backup` creates the bucket if the access key permits it',
        );
      }
      throw error;
    }
    return `bucket ${store.bucket} on ${store.endpoint}`;
  });
  if (reachable.state !== 'ok') return [reachable];

  const probe = `${prefix}doctor-probe-${randomUUID()}`;
  const keys: ProbeKeys = { object: probe, parts: `${probe}-parts` };
  let findings: DoctorFinding[];
  let left: ProbesLeft;
  try {
    findings = [
      ...(await tryObject(store, keys.object, options)),
      await examine('s3: multipart', signal, () => tryMultipart(store, keys.parts, signal)),
      await tryListingUploads(store, keys.parts, signal),
      await examine('s3: delete', signal, () => tryDeleting(store, keys, signal)),
      await tryMedia(store, mediaPrefix, signal),
      await tryVersions(store, mediaPrefix, signal),
    ];
  } finally {
    left = await removeProbes(store, keys);
  }
  return [reachable, ...findings.map((finding) => describeFor(prefix, keys, left, finding))];
}

/** Tests operations on single objects. If none can be written, nothing more can be tested. */
async function tryObject(
  store: Store,
  key: string,
  { now, signal }: { readonly now: () => Date; readonly signal: AbortSignal },
): Promise<DoctorFinding[]> {
  const written = await examine('s3: write', signal, async () => {
    await putProbe(store, key, signal);
    return 'objects can be written';
  });
  if (written.state === 'fault') return [written];
  return [
    written,
    await examine('s3: overwrite guard', signal, async () => {
      if (await putProbe(store, key, signal, Buffer.from('other'))) {
        return {
          state: 'warning',
          detail: 'the server overwrites objects despite If-None-Match',
          remedy: 'run one backup at a time',
        };
      }
      return 'existing objects are not overwritten';
    }),
    await examine('s3: read', signal, async () => {
      const range = { start: 4, end: 11 };
      const chunks = await collect(readObject(store, key, { range, signal }));
      if (Buffer.concat(chunks).equals(PROBE.subarray(4, 12))) return 'objects can be read, including ranges';
      throw new Error('a range request returned the wrong bytes');
    }),
    await examine('s3: clock', signal, async () => {
      const info = await store.head(key, signal);
      if (info === undefined) throw new Error('the object just written cannot be found');
      return judgeClock(info.lastModified, now());
    }),
  ];
}

async function tryDeleting(store: Store, { object, parts }: ProbeKeys, signal: AbortSignal): Promise<string> {
  await store.remove([object, parts], signal);
  for (const key of [object, parts]) {
    if ((await store.head(key, signal)) !== undefined) throw new Error('a deleted object is still there');
  }
  return 'objects can be deleted';
}

async function tryMultipart(store: Store, key: string, signal: AbortSignal): Promise<string> {
  await withUpload(store, key, signal, async (upload) => {
    await store.uploadPart(upload, 1, PROBE, signal);
    await store.abortUpload(upload, signal);
  });
  await withUpload(store, key, signal, async (upload) => {
    const part = await store.uploadPart(upload, 1, PROBE, signal);
    await store.completeUpload(upload, [part], signal);
  });
  return 'multipart uploads can be completed and aborted';
}

/** Only a warning: without this listing backups are made, but nothing is recorded about their media. */
async function tryMedia(store: Store, prefix: string, signal: AbortSignal): Promise<DoctorFinding> {
  const found = await examine('s3: list media', signal, async () => {
    for await (const _ of store.list(prefix, { signal })) break;
    return `objects under ${prefix === '' ? '/' : prefix} can be listed`;
  });
  return asWarning(found, 'so backups have no list of their media, and media cannot be audited');
}

/** @param follows what this leads to */
function asWarning(found: DoctorFinding, follows: string): DoctorFinding {
  return found.state === 'fault'
    ? { ...found, state: 'warning', detail: `${found.detail}, ${follows}` }
    : found;
}

/** Only a warning: without versions a backup still records its media, but none can be restored from a version. */
async function tryVersions(store: Store, prefix: string, signal: AbortSignal): Promise<DoctorFinding> {
  const found = await examine('s3: versions', signal, async () => {
    const versioning = await store.versioning(signal);
    if (versioning === 'not told') {
      return {
        state: 'warning',
        detail: 'the server does not say whether the bucket keeps versions, so none are recorded for media',
        remedy: 'allow s3:GetBucketVersioning, and s3:ListBucketVersions if it keeps versions',
      };
    }
    if (versioning === 'off') return 'the bucket keeps no versions';
    for await (const _ of store.listVersionPages(prefix, { signal })) break;
    return versioning === 'on'
      ? 'the bucket keeps versions, and they can be listed'
      : 'the bucket keeps no more versions, and those that it has can be listed';
  });
  return asWarning(found, 'so none are recorded for media');
}

/**
 * Only a warning: backups are made without this listing, but what killed runs have left then stays and takes up
 * space.
 */
async function tryListingUploads(store: Store, key: string, signal: AbortSignal): Promise<DoctorFinding> {
  const found = await examine('s3: list uploads', signal, async () => {
    const isListed = await withUpload(store, key, signal, async (upload) => {
      let found = false;
      for await (const { uploadId } of store.listUploads(key, signal)) found ||= uploadId === upload.uploadId;
      await abandonUpload(store, upload);
      return found;
    });
    if (isListed) return 'uploads left by killed runs can be found';
    return { state: 'warning', detail: 'an unfinished upload is not listed', remedy: FIND_UPLOADS };
  });
  return found.state === 'fault'
    ? { ...found, state: 'warning', remedy: found.remedy ?? FIND_UPLOADS }
    : found;
}
