import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Database } from '../../src/postgres/database.ts';
import { mayHoldRows } from '../../src/restore/databases/scratch.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE t (id integer)');
});

afterAll(() => bed.close());

/** What is said of the empty database if its first connections fail in these ways. */
async function look(...failures: readonly object[]) {
  const { log, lines } = keepingLog();
  const left = failures.map((failure) => Object.assign(new Error('failed'), failure));
  const use = ((database, signal, work) => {
    const failure = left.shift();
    return failure === undefined ? bed.tool.use(database, signal, work) : Promise.reject(failure);
  }) as Database['use'];
  return { may: await mayHoldRows({ database: { ...bed.tool, use }, log }, bed.database.name), lines };
}

test('a database whose contents cannot be seen may hold rows', async () => {
  expect(await look()).toEqual({ may: false, lines: [] });
  expect(await look({ code: '53300' })).toEqual({ may: true, lines: [] });
});

test('a server that is away is waited for', async () => {
  const { may, lines } = await look({ code: 'ECONNREFUSED' });
  expect(may).toBe(false);
  expect(lines).toEqual([expect.stringMatching(/^warn: waiting up to 1m .*, to see what is in database /)]);
});
