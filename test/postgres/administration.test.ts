import type pg from 'pg';
import { expect, inject, test } from 'vitest';
import {
  createDatabase,
  dropDatabase,
  listDatabases,
  renameDatabase,
} from '../../src/postgres/administration.ts';
import { PLAIN_CREATION } from '../../src/postgres/facts.ts';
import { createTestDatabase, withClient } from '../support/database.ts';

const postgres = inject('postgres');

test('a template that cannot be dropped stays a template, and serves on', async () => {
  const { name, query, drop } = await createTestDatabase(postgres);
  await query(
    `CREATE SUBSCRIPTION "${name}" CONNECTION '' PUBLICATION x WITH (connect = false, slot_name = NONE);
     ALTER DATABASE ${name} IS_TEMPLATE true`,
  );
  await withClient(postgres, 'postgres', async (admin) => {
    await expect(dropDatabase(admin, name)).rejects.toThrow(
      /cannot drop database .* subscription — list its subscriptions with \\dRs in psql, .* \(DROP SUBSCRIPTION, after/,
    );
    const known = (await listDatabases(admin)).find((database) => database.name === name);
    expect(known).toMatchObject({ template: true, connectable: true });
  });
  await query(`DROP SUBSCRIPTION "${name}"; ALTER DATABASE ${name} IS_TEMPLATE false`);
  await drop();
});

test.each([
  ['created', (client: pg.Client, name: string) => createDatabase(client, `${name}_taken`, PLAIN_CREATION)],
  ['renamed', (client: pg.Client, name: string) => renameDatabase(client, `${name}_b`, `${name}_taken`)],
])('a name that another run takes while a database is %s is told as taken', async (_, work) => {
  const { name, query, drop } = await createTestDatabase(postgres);
  await query(`CREATE DATABASE ${name}_a`);
  await query(`CREATE DATABASE ${name}_b`);
  await withClient(postgres, 'postgres', (other) =>
    withClient(postgres, 'postgres', async (client) => {
      await other.query(`BEGIN; ALTER DATABASE ${name}_a RENAME TO ${name}_taken`);
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const refused = expect(work(client, name)).rejects.toThrow(
        /pg_database_datname_index" — wait a second and run again: another run took the name$/,
      );
      // It waits for the other transaction, which may yet be rolled back.
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE pid = ${rows[0]!.pid} AND wait_event_type = 'Lock'`;
      await expect.poll(async () => (await query(waiting)).length).toBe(1);
      await other.query('COMMIT');
      await refused;
    }),
  );
  await drop();
});
