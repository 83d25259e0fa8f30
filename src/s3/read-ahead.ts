import { noSuchObject, readObject } from './reader.ts';
import type { Store } from './store.ts';

/** Bytes that one request asks for. */
export const PIECE_BYTES = 8 * 1024 ** 2;

/** Requests under way at the same time: what most servers give to one connection, they give to each of a few. */
const REQUESTS = 3;

/**
 * The bytes of an object in order, by a few ranged requests at a time that run ahead of the reader. No more is held
 * than their bytes. A request that breaks off goes on where it was, and the object must be the same all along (ETag).
 *
 * @throws NotFoundError when there is no such object, StoreError when reading fails for good or the object changed
 */
export async function* readAhead(
  store: Store,
  key: string,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const object = await store.head(key, signal);
  if (object === undefined) throw noSuchObject(store, key);
  const { bytes, etag } = object;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);

  async function fetchPiece(start: number): Promise<Buffer[]> {
    const range = { start, end: Math.min(start + PIECE_BYTES, bytes) - 1 };
    const chunks: Buffer[] = [];
    for await (const chunk of readObject(store, key, { range, etag, signal: either })) chunks.push(chunk);
    return chunks;
  }

  const pieces: Promise<Buffer[]>[] = [];
  let next = 0;
  const request = () => {
    if (next >= bytes) return;
    const piece = fetchPiece(next);
    // It is waited for in its turn, and may fail before.
    piece.catch(() => {});
    pieces.push(piece);
    next += PIECE_BYTES;
  };

  try {
    while (pieces.length < REQUESTS && next < bytes) request();
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      const chunks = await piece;
      request();
      yield* chunks;
    }
  } finally {
    stop.abort(new Error('the bytes are no longer wanted'));
    await Promise.allSettled(pieces);
  }
}
