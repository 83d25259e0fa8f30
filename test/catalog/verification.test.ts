import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  addCheck,
  type Depth,
  decisiveCheck,
  encodeRecord,
  type RecordRead,
  readRecord,
  type VerificationRecord,
} from '../../src/catalog/verification.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const signal = new AbortController().signal;
const KEY = 'backup/postgres-backup-20261123103000.verified.json';
const OBJECT = { key: 'backup/x.sql', etag: 'one', bytes: 10, lastModified: new Date(0) };
const FAULT = { what: 'object', where: 'x', expected: '1', found: '2' } as const;

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

/** `full!` is a check of depth full that found a fault; its time is its place in the list. */
function history(checks: readonly string[]): VerificationRecord {
  let record: VerificationRecord | undefined;
  for (const [second, text] of checks.entries()) {
    record = addCheck(record, '20261123103000', OBJECT, {
      depth: text.replace('!', '') as Depth,
      at: new Date(second * 1000).toISOString(),
      tool: 'test',
      checked: { bytes: 0, tables: 0, rows: 0 },
      faults: text.endsWith('!') ? [FAULT] : [],
    });
  }
  return record!;
}

const tell = (record: VerificationRecord) => {
  const check = decisiveCheck(record)!;
  return `${check.depth}${check.ok ? '' : '!'} ${Date.parse(check.at) / 1000}`;
};

test.each([
  [['quick'], 'quick 0'],
  [['full', 'quick'], 'full 0'],
  [['quick', 'full'], 'full 1'],
  [['full', 'full'], 'full 1'],
  [['full!', 'quick'], 'full! 0'],
  [['full!', 'full'], 'full 1'],
  [['full!', 'restore'], 'restore 1'],
  [['restore', 'full!'], 'full! 1'],
  [['restore', 'full!', 'full'], 'restore 0'],
  [['restore!', 'full', 'quick!'], 'restore! 0'],
  [['restore', 'full', 'quick!'], 'quick! 2'],
])('after %j, what counts is %s', (checks, expected) => {
  expect(tell(history(checks))).toBe(expected);
});

test('of many faults the first are kept, and all are counted', () => {
  const faults = Array.from({ length: 100 }, (_, at) => ({ ...FAULT, where: `${at}` }));
  const checked = { bytes: 0, tables: 0, rows: 0 };
  const check = { depth: 'full', at: new Date(0).toISOString(), tool: 'test', checked, faults } as const;
  const [kept] = addCheck(undefined, '20261123103000', OBJECT, { ...check, faults }).checks;
  expect(kept).toMatchObject({ ok: false, faultCount: 100 });
  expect(kept!.faults).toEqual(faults.slice(0, 20));
});

const put = (body: string | Buffer) =>
  bed.store.put(KEY, Buffer.from(body), { ifAbsent: false, contentType: 'application/json', signal });

async function read(): Promise<RecordRead> {
  const object = await bed.store.head(KEY, signal);
  return readRecord(bed.store, object ?? { ...OBJECT, key: KEY }, signal);
}

test('a record comes back as it was written', async () => {
  const record = history(['restore', 'full!']);
  await put(encodeRecord(record));
  expect(await read()).toEqual({ kind: 'record', record });
});

test.each([
  ['damaged', '{"format": 1', 'is not JSON'],
  ['of a later version', JSON.stringify({ ...history(['full']), format: 2 }), 'is not of format 1'],
  ['without a check', JSON.stringify({ ...history(['full']), checks: [] }), 'is not of format 1'],
  ['far too large', Buffer.alloc(1024 ** 2 + 1, ' '), 'is too large to be one'],
])('one that is %s is not taken for none', async (_, body, problem) => {
  await put(body);
  const reason = `the record of its verifications, ${KEY}, ${problem}`;
  expect(await read()).toEqual({ kind: 'unread', reason });
});

test('one that is in an archive is not taken for none', async () => {
  await put(encodeRecord(history(['full'])));
  const what = { kind: 'error', status: 403, code: 'InvalidObjectState' } as const;
  bed.server.faults.push({ operation: 'GetObject', times: 1, what });
  const reason = `the record of its verifications, ${KEY}, is in an archive`;
  expect(await read()).toEqual({ kind: 'unread', reason });
});

test('one that is gone tells nothing', async () => {
  expect(await read()).toEqual({ kind: 'none' });
});
