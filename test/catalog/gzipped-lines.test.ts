import { randomBytes } from 'node:crypto';
import { queryObjects } from 'node:v8';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLinesWriter, readGzippedLines } from '../../src/catalog/gzipped-lines.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEY = 'list.gz';
/** More than a stream holds before it has its writer wait, and nothing that gzip could shrink by much. */
const LINE = `${randomBytes(24 * 1024).toString('base64')}\n`;

const signal = AbortSignal.timeout(60_000);
let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

/** Promises that the program holds; what nothing refers to is collected first. */
const promises = () => queryObjects(Promise, { format: 'count' });

test('a writer keeps nothing of what it has written', async () => {
  const writer = await openLinesWriter(bed.store, KEY, { maxParts: 100, signal });
  const before = promises();
  for (let n = 0; n < 500; n++) await writer.write(LINE);
  expect(promises() - before).toBeLessThan(250);
  await writer.end();
  await writer.complete();
  let lines = 0;
  const words = { doing: 'cannot read', remedy: 'none' };
  for await (const batch of readGzippedLines(bed.store, KEY, words, signal)) lines += batch.length;
  expect(lines).toBe(500);
});

test('a failed upload ends each write that follows', async () => {
  bed.server.faults.push({
    operation: 'UploadPart',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const writer = await openLinesWriter(bed.store, KEY, { maxParts: 100, signal });
  const fill = async () => {
    for (;;) await writer.write(LINE);
  };
  await expect(fill()).rejects.toThrow('403 AccessDenied');
  await expect(fill()).rejects.toThrow('403 AccessDenied');
  await writer.abort();
});
