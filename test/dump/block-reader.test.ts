import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openBlocks } from '../../src/dump/block-reader.ts';
import { textSource } from '../support/dump-text.ts';

const signal = new AbortController().signal;
const DUMP = Buffer.from(Array.from({ length: 300 }, (_, at) => at % 251));

const block = fc
  .tuple(fc.nat(DUMP.length), fc.nat(DUMP.length))
  .map(([a, b]) => ({ offset: Math.min(a, b), bytes: Math.abs(a - b) }));

test('blocks are read to the byte, in any order, whether the dump has ranges or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { maxLength: 6 }),
      fc.integer({ min: 1, max: 400 }),
      fc.boolean(),
      async (blocks, chunkBytes, ranged) => {
        const source = textSource(DUMP, { chunkBytes });
        let read = 0;
        const reader = await openBlocks(
          ranged ? source : { ...source, ranges: async () => undefined },
          (bytes) => {
            read += bytes;
          },
          signal,
        );
        expect(reader.ranged).toBe(ranged);
        for (const { offset, bytes } of blocks) {
          const chunks: Buffer[] = [];
          for await (const chunk of reader.read({ offset, bytes })) chunks.push(Buffer.from(chunk));
          expect(Buffer.concat(chunks)).toEqual(DUMP.subarray(offset, offset + bytes));
        }
        await reader.close();
        const wanted = blocks.reduce((sum, { bytes }) => sum + bytes, 0);
        if (ranged) expect(read).toBe(wanted);
      },
    ),
  );
});

test('blocks that follow one another are read in one pass, which ends with the last', async () => {
  let passes = 0;
  let read = 0;
  const { read: whole } = textSource(DUMP, { chunkBytes: 50 });
  const source = {
    ranges: async () => undefined,
    read: () => {
      passes += 1;
      return whole(signal);
    },
  };
  const count = (bytes: number) => {
    read += bytes;
  };
  const reader = await openBlocks(source, count, signal);
  for (const at of [10, 60, 120]) for await (const _ of reader.read({ offset: at, bytes: 20 }));
  expect({ passes, read }).toEqual({ passes: 1, read: 140 });
  for await (const _ of reader.read({ offset: 0, bytes: 5 }));
  expect({ passes, read }).toEqual({ passes: 2, read: 145 });
  await reader.close();
});
