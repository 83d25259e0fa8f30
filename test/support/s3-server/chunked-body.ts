import { S3Error } from './errors.ts';

/**
 * Decodes `Content-Encoding: aws-chunked` (chunks of `size-in-hex[;extensions]` lines, then trailers).
 *
 * @param onTrailer called with each trailer's name in lower case and its value
 */
export async function* decodeChunked(
  body: AsyncIterable<Buffer>,
  onTrailer: (name: string, value: string) => void,
): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  let left = 0;
  let state = 'size' as 'size' | 'data' | 'data-end' | 'trailer' | 'done';
  for await (const chunk of body) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (;;) {
      if (state === 'data') {
        if (held.length === 0) break;
        const data = held.subarray(0, left);
        held = held.subarray(data.length);
        left -= data.length;
        if (data.length > 0) yield data;
        if (left > 0) break;
        state = 'data-end';
        continue;
      }
      if (state === 'done') break;
      const end = held.indexOf('\r\n');
      if (end < 0) break;
      const line = held.toString('latin1', 0, end);
      held = held.subarray(end + 2);
      if (state === 'data-end') state = 'size';
      else if (state === 'size') {
        left = Number.parseInt(line, 16);
        if (Number.isNaN(left)) throw new S3Error(400, 'IncompleteBody');
        state = left === 0 ? 'trailer' : 'data';
      } else if (line === '') state = 'done';
      else {
        const colon = line.indexOf(':');
        onTrailer(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
      }
    }
  }
  if (state !== 'done' && state !== 'trailer') throw new S3Error(400, 'IncompleteBody');
}
