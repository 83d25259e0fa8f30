import { createHash } from 'node:crypto';
import { collect, readObject } from './reader.ts';
import type { ObjectInfo, Store } from './store.ts';

/** How often an object is read that is another one each time. */
const READINGS = 4;

/**
 * The bytes of a small object that a listing has shown, by which is decided what becomes of others. Bytes that are
 * altered or left out on their way, by a proxy or a bad memory, need be noticed by nobody; so they are taken for the
 * object's only where they are as many as it has, and where their MD5 is the ETag, as it is of most objects that were
 * put whole (S3 API, "Object": ETag), or a second reading agrees.
 *
 * @returns undefined where it came as another one each time
 * @throws NotFoundError where it is gone, StoreError where it cannot be read
 */
export async function readListed(
  store: Store,
  listed: Pick<ObjectInfo, 'key' | 'bytes' | 'etag'>,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const { key } = listed;
  let before: Buffer | undefined;
  for (let reading = 1; reading <= READINGS; reading++) {
    // It may have been written anew since it was listed.
    const object = reading === 1 ? listed : await store.head(key, signal);
    if (object === undefined) break;
    const body = Buffer.concat(await collect(readObject(store, key, { signal })));
    if (body.length === object.bytes) {
      if (createHash('md5').update(body).digest('hex') === object.etag || before?.equals(body)) return body;
      before = body;
    }
  }
  return undefined;
}
