import { addAbortSignal } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { NotFoundError, StoreError } from '../errors.ts';
import { storeError, UnlikeS3Error } from './errors.ts';
import type { ByteRange, Store } from './store.ts';

/** How many times in a row a read may break without receiving a byte. */
const ATTEMPTS = 5;

/**
 * The bytes of an object, or of a range of it, in order. A broken connection is reopened where it broke off, and the
 * object must still be the same: the one with `etag`, if given.
 *
 * @throws NotFoundError if there is no such object, StoreError if reading fails for good or the object changed
 */
export async function* readObject(
  store: Store,
  key: string,
  options: { readonly range?: ByteRange; readonly etag?: string; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const { signal } = options;
  const doing = `cannot read ${key} from bucket ${store.bucket}`;
  let { range, etag } = options;
  let next = range?.start ?? 0;
  let last = range?.end ?? Number.POSITIVE_INFINITY;
  let broken = 0;
  while (next <= last) {
    const object = await store.get(key, { signal, ...(range === undefined ? {} : { range }) });
    if (object === undefined) throw noSuchObject(store, key);
    etag ??= object.info.etag;
    last = Math.min(last, object.info.bytes - 1);
    if (object.info.etag !== etag) {
      object.body.destroy();
      throw new StoreError({
        doing,
        problem: 'the object changed while it was being read',
        remedy: 'run again',
      });
    }
    try {
      for await (const chunk of addAbortSignal(signal, object.body)) {
        const bytes = chunk as Buffer;
        if (next + bytes.length > last + 1) throw new UnlikeS3Error('more bytes arrived than were requested');
        next += bytes.length;
        broken = 0;
        yield bytes;
      }
      if (next > last) return;
      throw Object.assign(new Error('the body ended early'), { code: 'ECONNRESET' });
    } catch (error) {
      signal.throwIfAborted();
      broken += 1;
      if (broken >= ATTEMPTS || error instanceof UnlikeS3Error)
        throw storeError(doing, error, `s3:GetObject on ${key}`);
      await delay(100 * 2 ** broken, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    } finally {
      object.body.destroy();
    }
    range = { start: next, end: last };
  }
}

/** Bytes that {@link readInPieces} requests at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * The bytes of an object in order, a small piece at a time. No connection is held between pieces: the lists of any
 * number of backups can be read side by side, each as slowly as needed, leaving the client's connections to
 * everything else.
 *
 * @throws as {@link readObject}
 */
export async function* readInPieces(store: Store, key: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const object = await store.head(key, signal);
  if (object === undefined) throw noSuchObject(store, key);
  const { bytes, etag } = object;
  for (let start = 0; start < bytes; start += PIECE_BYTES) {
    const range = { start, end: Math.min(start + PIECE_BYTES, bytes) - 1 };
    yield* await collect(readObject(store, key, { range, etag, signal }));
  }
}

/** Collects the chunks in memory: for something small, or for a reader that may be slower. */
export async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

/** @param key the key of the object to be read */
export function noSuchObject(store: Store, key: string): NotFoundError {
  return new NotFoundError({
    doing: `cannot read ${key} from bucket ${store.bucket}`,
    problem: 'there is no such object',
    remedy:
      'run `topobank-backup list`; if its backup is still there, the server has lost the object: see the S3 server’s log, and use another backup',
  });
}
