import { createHash } from 'node:crypto';

/**
 * Lets bytes pass and compares their SHA-256 at the end.
 *
 * @param expected hex
 * @param wrong makes the error of bytes whose SHA-256, in hex, is another
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
