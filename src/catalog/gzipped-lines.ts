import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { gunzip } from '../dump/gunzip.ts';
import { copyLines } from '../postgres/copy-text.ts';
import { type MultipartOptions, openMultipartWriter } from '../s3/multipart-writer.ts';
import { readInPieces } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';

/** A gzipped text on its way into the store: it becomes visible, whole, when it is completed, and never before. */
export interface LinesWriter {
  /** Takes whole lines; resolves when it can accept more. */
  write(lines: string): Promise<void>;
  /** Ends the text: every byte has then been passed on, but nothing is visible yet. */
  end(): Promise<void>;
  /**
   * Makes it visible, after {@link end}.
   *
   * @throws StoreError
   */
  complete(): Promise<void>;
  /** Removes whatever exists of it. Never throws. */
  abort(): Promise<void>;
}

/**
 * Begins an upload; the caller has made sure that `key` is free.
 *
 * @throws StoreError
 */
export async function openLinesWriter(
  store: Store,
  key: string,
  options: Pick<MultipartOptions, 'maxParts' | 'signal'>,
): Promise<LinesWriter> {
  const writer = await openMultipartWriter(store, key, {
    ...options,
    contentType: 'application/gzip',
    partsInFlight: 2,
  });
  const gzip = createGzip();
  const packed = pipeline(gzip, async (chunks) => {
    for await (const chunk of chunks) await writer.write(chunk as Buffer);
  });
  const failed = new AbortController();
  packed.catch(() => failed.abort());
  return {
    async write(lines) {
      if (gzip.write(lines)) return;
      // Not in a race with `packed`, which would keep something of each race until its own end.
      await once(gzip, 'drain', { signal: failed.signal }).catch(() => packed);
    },
    async end() {
      gzip.end();
      await packed;
    },
    async complete() {
      await writer.complete();
    },
    async abort() {
      gzip.destroy();
      await packed.catch(() => {});
      await writer.abort();
    },
  };
}

/**
 * Reads such a text; each batch holds the lines that arrive together.
 *
 * @param words for the error if it is damaged
 * @throws NotFoundError if it does not exist, DumpError if it is damaged, StoreError
 */
export function readGzippedLines(
  store: Store,
  key: string,
  words: { readonly doing: string; readonly remedy: string },
  signal: AbortSignal,
): AsyncGenerator<readonly Buffer[]> {
  return copyLines(gunzip(readInPieces(store, key, signal), { ...words, signal }));
}
