import { createHash } from 'node:crypto';
import { StoreError } from '../errors.ts';
import { collect, readObject } from './reader.ts';
import type { ObjectInfo, Store } from './store.ts';

/** How often an object is read that is another one each time. */
const READINGS = 4;

/**
 * The bytes of a small object that a listing has shown, by which is decided what becomes of others. Bytes that are
 * altered or left out on their way, by a proxy or a bad memory, need be noticed by nobody; so they are taken for the
 * object's only where they are as many as were listed, and where their MD5 is the ETag, as it is of most objects that
 * were put whole (S3 API, "Object": ETag), or a second reading agrees.
 *
 * @throws NotFoundError where it is gone, StoreError where it cannot be read or comes as another one each time
 */
export async function readListed(
  store: Store,
  { key, bytes, etag }: Pick<ObjectInfo, 'key' | 'bytes' | 'etag'>,
  signal: AbortSignal,
): Promise<Buffer> {
  let before: Buffer | undefined;
  for (let reading = 1; reading <= READINGS; reading++) {
    const body = Buffer.concat(await collect(readObject(store, key, { signal })));
    if (body.length === bytes) {
      if (createHash('md5').update(body).digest('hex') === etag || before?.equals(body)) return body;
      before = body;
    }
  }
  throw new StoreError({
    doing: `cannot read ${key} from bucket ${store.bucket}`,
    problem: `of ${READINGS} times, no two brought the same ${bytes} bytes that are listed`,
    remedy:
      'see what lies between this machine and the S3 server, such as a proxy, and test the memory of each',
  });
}
