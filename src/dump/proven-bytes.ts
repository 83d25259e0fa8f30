import { createHash } from 'node:crypto';

/**
 * Passes bytes through and compares their SHA-256 at the end.
 *
 * @param expected hex
 * @param wrong makes the error for bytes with a different SHA-256, given in hex
 */
export async function* provenBytes(
  chunks: AsyncIterable<Buffer>,
  expected: string,
  wrong: (found: string) => Error,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== expected) throw wrong(found);
}
