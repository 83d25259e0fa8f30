import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../src/s3/store.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEY = 'backup/dump.sql';
const DENIED: Fault['what'] = { kind: 'error', status: 403, code: 'AccessDenied' };

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

const inTime = () => AbortSignal.timeout(60_000);
const put = (key: string) =>
  bed.store.put(key, Buffer.from('bytes'), { ifAbsent: false, contentType: 'text/plain', signal: inTime() });

const LOOKS: readonly [operation: string, look: (store: Store) => Promise<unknown>][] = [
  ['HeadObject', (store) => store.head(KEY, inTime())],
  ['GetObject', (store) => store.get(KEY, { signal: inTime() })],
];

test.each(LOOKS)('%s of an object that is not there may be refused', async (operation, look) => {
  await put(`${KEY}.gz`);
  bed.server.faults.push({ operation, what: DENIED });
  expect(await look(bed.store)).toBeUndefined();
});

test.each(LOOKS)('%s of one that is there is an error if it is refused', async (operation, look) => {
  await put(KEY);
  bed.server.faults.push({ operation, what: DENIED });
  await expect(look(bed.store)).rejects.toThrow(/403.*; the key needs s3:GetObject on backup\/dump\.sql$/);
});

test.each(LOOKS)('%s is one too if the key may not list either', async (operation, look) => {
  for (const each of [operation, 'ListObjectsV2']) bed.server.faults.push({ operation: each, what: DENIED });
  await expect(look(bed.store)).rejects.toThrow(/403.*; the key needs s3:GetObject on backup\/dump\.sql$/);
});
