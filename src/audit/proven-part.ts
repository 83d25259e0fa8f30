import { provenBytes } from '../dump/proven-bytes.ts';
import { DumpError, type ErrorParts } from '../errors.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';

/**
 * The bytes of a part of a plain dump in the store, compared with their SHA-256 in its manifest.
 *
 * @param part a table or a section of the manifest
 * @param wrong what to say if they differ
 * @throws DumpError if they do, StoreError, or the signal's reason
 */
export async function* readProven(
  store: Store,
  key: string,
  part: { readonly offset: number; readonly bytes: number; readonly sha256: string },
  wrong: Pick<ErrorParts, 'doing' | 'problem'>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { offset, bytes, sha256 } = part;
  if (bytes === 0) return;
  const range = { start: offset, end: offset + bytes - 1 };
  const remedy = 'use another backup; `topobank-backup verify` shows what is damaged';
  const differs = () => new DumpError({ ...wrong, remedy });
  yield* provenBytes(readObject(store, key, { range, signal }), sha256, differs);
}
