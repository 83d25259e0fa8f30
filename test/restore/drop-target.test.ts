import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { fateOf } from '../../src/restore/drop-target.ts';
import { withClient } from '../support/database.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));

test.each([
  ['a database that no longer accepts connections serves on', 'ALLOW_CONNECTIONS false', 'as it was'],
  ['one whose drop the server has begun', 'CONNECTION LIMIT 7', 'cut off'],
])('%s', async (_, change, fate) => {
  const name = `${bed.database.name}_fate`;
  await admin(`CREATE DATABASE ${name}`);
  try {
    await admin(`ALTER DATABASE ${name} ${change}`);
    if (fate === 'cut off') await admin(`UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${name}'`);
    const { log, lines } = keepingLog();
    expect(await fateOf({ database: bed.tool, log }, name)).toBe(fate);
    expect(lines).toEqual([]);
    if (fate === 'as it was') await withClient(bed.env, name, (client) => client.query('SELECT'));
  } finally {
    await admin(`DROP DATABASE ${name}`);
  }
});

test('one that is gone has been dropped', async () => {
  const { log } = keepingLog();
  expect(await fateOf({ database: bed.tool, log }, `${bed.database.name}_gone`)).toBe('dropped');
});
