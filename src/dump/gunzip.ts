import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DumpError, messageOf } from '../errors.ts';

/**
 * Unpacks gzip.
 *
 * @param options `doing` and `remedy` for the error: `cannot read the dump ./x.sql.gz`, `use a complete dump`
 * @throws DumpError for bytes that cannot be unpacked; errors of `bytes` are passed through
 */
export async function* gunzip(
  bytes: AsyncIterable<Buffer>,
  {
    doing,
    remedy,
    signal,
  }: { readonly doing: string; readonly remedy: string; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  let sourceFailure: unknown;
  const feeding = pipeline(Readable.from(bytes, { objectMode: false }), gunzip, { signal }).catch(
    (error: unknown) => {
      sourceFailure = error;
    },
  );
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    if (!isOfZlib(error)) throw error;
    throw new DumpError({
      doing,
      problem: `its gzip data is damaged or truncated (${messageOf(error)})`,
      remedy,
      cause: error,
    });
  } finally {
    gunzip.destroy();
    await feeding;
  }
  if (sourceFailure !== undefined) throw sourceFailure;
}

/**
 * All of zlib's error codes begin with `Z_` (Node.js manual, "zlib constants"); errors of the source have other
 * codes.
 */
function isOfZlib(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true;
}
