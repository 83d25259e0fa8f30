import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { openDatabase } from '../../../src/postgres/database.ts';
import { withLanes } from '../../../src/restore/wide/lanes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const signal = new AbortController().signal;

const NAMES = ['synchronous_commit', 'maintenance_work_mem', 'max_parallel_maintenance_workers'] as const;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase(inject('postgres'));
});

afterAll(() => database.drop());

const open = () => openDatabase(readConfig({ env: database.env, flags: {} }, ['database']), {});

/** The settings of each connection of so many lanes. */
const settingsOf = (count: number) =>
  withLanes(open(), database.name, count, signal, async ({ all }) => {
    const settings: unknown[][] = [];
    for (const { client } of all) {
      const { rows } = await client.query<Record<string, string>>(
        `SELECT ${NAMES.map((name) => `current_setting('${name}') AS ${name}`).join()}`,
      );
      settings.push(NAMES.map((name) => rows[0]?.[name]));
    }
    return settings;
  });

test.each([
  { lanes: 1, memory: '256MB', workers: '2' },
  { lanes: 2, memory: '128MB', workers: '0' },
  { lanes: 4, memory: '64MB', workers: '0' },
  // Never less than the server's own.
  { lanes: 5, memory: '64MB', workers: '0' },
])('$lanes lanes build indexes with $memory each and $workers workers beside', async (given) => {
  const each = ['off', given.memory, given.workers];
  expect(await settingsOf(given.lanes)).toEqual(Array(given.lanes).fill(each));
});
