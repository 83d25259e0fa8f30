import { createHash } from 'node:crypto';
import { NotFoundError } from '../errors.ts';
import { collect, noSuchObject, readObject } from './reader.ts';
import type { ObjectInfo, Store } from './store.ts';

/** How often to read an object that differs each time, or is said to be missing though it is looked up. */
const READINGS = 4;

/** Why there are no bytes of an object to rely on. */
interface Unreliable {
  /** As a clause without its subject. */
  readonly problem: string;
  readonly remedy: string;
}

const DIFFERENT: Unreliable = {
  problem: 'reads differently each time',
  remedy: 'check proxies between this machine and the S3 server, and both machines’ memory',
};

const NOT_READ: Unreliable = {
  problem: 'can be looked up, but when it is read the server says that there is no such object',
  remedy: 'see the S3 server’s log',
};

/**
 * The bytes of a small listed object that decides what happens to others. If a proxy or bad memory alters or drops
 * bytes on the way, nothing else may notice; so they are accepted only if their number is the object's size and
 * either their MD5 is the ETag, as for most objects written whole (S3 API, "Object": ETag), or a second reading
 * agrees.
 *
 * @returns what is wrong if no reading can be relied on
 * @throws NotFoundError if it is gone: it can be neither read nor looked up; StoreError if it cannot be read
 */
export async function readListed(
  store: Store,
  listed: Pick<ObjectInfo, 'key' | 'bytes' | 'etag'>,
  signal: AbortSignal,
): Promise<Buffer | Unreliable> {
  const { key } = listed;
  let before: Buffer | undefined;
  let wasRead = false;
  for (let reading = 1; reading <= READINGS; reading++) {
    // It may have been rewritten since it was listed.
    const object = reading === 1 ? listed : await store.head(key, signal);
    if (object === undefined) throw noSuchObject(store, key);
    const body = await readBody(store, key, signal);
    wasRead ||= body !== undefined;
    if (body?.length === object.bytes) {
      if (createHash('md5').update(body).digest('hex') === object.etag || before?.equals(body)) return body;
      before = body;
    }
  }
  return wasRead ? DIFFERENT : NOT_READ;
}

/** @returns undefined if the server says that there is none, which it may say once of an object that it has */
async function readBody(store: Store, key: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return Buffer.concat(await collect(readObject(store, key, { signal })));
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
