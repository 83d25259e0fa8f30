import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { openDatabase } from '../../../src/postgres/database.ts';
import { flushCommits, withLanes } from '../../../src/restore/wide/lanes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { keepingLog } from '../../support/test-bed.ts';

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

test('a role that may not have commits written to disk at once keeps what it has restored', async () => {
  const role = `${database.name}_plain`;
  await database.query(
    `CREATE ROLE ${role};
     DO $$ BEGIN EXECUTE (
       SELECT string_agg(format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', oid::regprocedure), ';')
       FROM pg_proc WHERE proname = 'pg_logical_emit_message'); END $$`,
  );
  const { log, lines } = keepingLog();
  try {
    await withLanes(open(), database.name, 1, signal, async ({ text: { client } }) => {
      await client.query(`SET ROLE ${role}`);
      await flushCommits(client, log);
      await client.query('RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())').catch(() => {});
      await expect(flushCommits(client, log)).rejects.toThrow();
    });
  } finally {
    await database.query(`DROP ROLE ${role}`);
  }
  expect(lines).toEqual([expect.stringMatching(/^debug: .*permission denied/)]);
});
