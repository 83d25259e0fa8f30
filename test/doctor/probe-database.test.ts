import type pg from 'pg';
import { expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { tryDatabase } from '../../src/doctor/probe-database.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { listDatabaseNames, withClient } from '../support/database.ts';

const never = new AbortController().signal;
const env = inject('postgres');

/** A database whose connection the server ends when it is to run a statement like this. */
function brokenAt(database: Database, statement: RegExp): Database {
  return {
    ...database,
    use: (name, signal, work) =>
      database.use(name, signal, async (client) => {
        const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        const breaking = async (...args: unknown[]) => {
          if (statement.test(String(args[0]))) {
            const ended = new Promise((resolve) => client.once('end', resolve));
            await withClient(env, 'postgres', (other) =>
              other.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]),
            );
            await ended;
          }
          return query(...args);
        };
        return work(Object.assign(client, { query: breaking }) as pg.Client);
      }),
  };
}

test.each([
  ['CREATE DATABASE', []],
  ['RENAME TO', ['']],
  ['DROP DATABASE', ['_renamed']],
])('where the server ends the connection at %s, what may be left is named', async (statement, left) => {
  const config = readConfig({ env: { ...env, POSTGRES_DB: 'postgres' }, flags: {} }, ['database']);
  const finding = await tryDatabase(brokenAt(openDatabase(config, {}), new RegExp(statement)), never);
  const told = /; database (topobank_backup_doctor_\w+) or (\w+) may remain$/;
  expect(finding).toMatchObject({ state: 'fault', detail: expect.stringMatching(told) });
  const [, probe = '', renamed] = told.exec((finding as DoctorFinding).detail) ?? [];
  expect(renamed).toBe(`${probe}_renamed`);

  const there = (await listDatabaseNames(env)).filter((name) => name.startsWith(probe));
  expect(there).toEqual(left.map((suffix) => `${probe}${suffix}`));
  await withClient(env, 'postgres', async (client) => {
    for (const name of there) await client.query(`DROP DATABASE "${name}"`);
  });
});
