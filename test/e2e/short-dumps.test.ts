import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

const HEADS: Readonly<Record<string, Buffer>> = {
  sql: Buffer.from('nope\n--\n'),
  'sql.gz': Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
  dump: Buffer.from('PGDMP\x01\x0e\x00'),
};

const SHORT = Object.entries(HEADS).flatMap(([form, head]) =>
  Array.from(head, (_, bytes) => ({ form, bytes, body: head.subarray(0, bytes) })),
);

async function fetchForeign(form: string, body: Buffer, ...options: string[]) {
  const prefix = `${form}-${body.length}/`;
  const key = `${prefix}postgres-backup-20200106000000.${form}`;
  await bed.store.put(key, body, { ifAbsent: true, contentType: 'text/plain', signal });
  const directory = await mkdtemp(join(bed.directory, 'fetched-'));
  const fetched = await bed.run(
    ['fetch', '20200106000000', directory, '--prefix', prefix, ...options],
    {},
    { signal: AbortSignal.timeout(60_000) },
  );
  return { ...fetched, files: await readdir(directory) };
}

test.concurrent.each(SHORT)('fetch refuses $bytes bytes as a .$form', async ({ form, body }) => {
  const fetched = await fetchForeign(form, body, '--quiet');
  expect(fetched).toMatchObject({ status: 1, stdout: '', files: [] });
  expect(fetched.stderr).toMatch(/^topobank-backup: cannot [^\n]+: [^\n]+ — [^\n]+\n$/);
});

test('what its first bytes show to be zstd is fetched whole, with a warning, when there are no more', async () => {
  const fetched = await fetchForeign('sql.zst', Buffer.from([0x28, 0xb5, 0x2f, 0xfd]));
  expect(fetched).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/WARN.*; fetching \S+ without checking it\n/),
    files: ['postgres-backup-20200106000000.sql.zst'],
  });
});
