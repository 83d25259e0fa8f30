import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeChunked } from './chunked-body.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));

/** As a client frames a body, with an extension and a trailer. */
function frame(chunks: readonly Buffer[], trailer: string): Buffer {
  const framed = chunks
    .filter((chunk) => chunk.length > 0)
    .map((chunk) =>
      Buffer.concat([Buffer.from(`${chunk.length.toString(16)};a=b\r\n`), chunk, Buffer.from('\r\n')]),
    );
  return Buffer.concat([...framed, Buffer.from(`0\r\n${trailer}\r\n\r\n`)]);
}

async function* cutAt(body: Buffer, places: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const place of [
    ...places.map((share) => share % (body.length + 1)).sort((a, b) => a - b),
    body.length,
  ]) {
    yield body.subarray(from, place);
    from = place;
  }
}

async function decode(body: AsyncIterable<Buffer>): Promise<{ body: Buffer; trailers: [string, string][] }> {
  const trailers: [string, string][] = [];
  const decoded: Buffer[] = [];
  for await (const chunk of decodeChunked(body, (name, value) => trailers.push([name, value])))
    decoded.push(chunk);
  return { body: Buffer.concat(decoded), trailers };
}

test('any body comes out as it was framed, wherever the network cuts it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(bytes), fc.array(fc.nat()), async (chunks, places) => {
      const framed = frame(chunks, 'X-Amz-Checksum-Crc32: AAAAAA==');
      expect(await decode(cutAt(framed, places))).toEqual({
        body: Buffer.concat(chunks),
        trailers: [['x-amz-checksum-crc32', 'AAAAAA==']],
      });
    }),
  );
});

test('a body that ends before its last chunk is refused', async () => {
  const framed = frame([Buffer.from('some bytes')], 'a: b');
  const end = framed.indexOf('0\r\na');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: end }), async (length) => {
      await expect(decode(cutAt(framed.subarray(0, length), []))).rejects.toThrow('IncompleteBody');
    }),
  );
});
