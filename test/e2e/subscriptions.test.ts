import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { placeScratch } from '../../src/restore/databases/place-scratch.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { dumpText } from '../support/dump-text.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

/** A name that has to be quoted. */
const SUBSCRIPTION = 'sub "x"';

const directory = scratchDirectory('subscriptions');
let postgres: PostgresServer;
let publisher: TestDatabase;
let bed: TestBed;
/** The slot of this test's subscription. */
let slot: string;
let serial = 0;

beforeAll(async () => {
  // A subscription that broke off is taken up by the server after 5 s unless it is told otherwise.
  const settings = { wal_level: 'logical', wal_retrieve_retry_interval: '100ms' };
  postgres = await startPostgres({ directory: directory.path, settings });
});

afterAll(async () => {
  await postgres.stop();
  directory.remove();
});

/** A database that takes the rows of another one's table, and has been backed up with the first of them. */
beforeEach(async () => {
  publisher = await createTestDatabase(postgres.env);
  bed = await createTestBed(postgres.env);
  slot = `slot_${++serial}`;
  await publisher.query('CREATE TABLE received (id int PRIMARY KEY)');
  await publisher.query('CREATE PUBLICATION p FOR TABLE received');
  // On one and the same server a subscription cannot make its slot itself (manual, CREATE SUBSCRIPTION).
  await publisher.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
  await bed.database.query('CREATE TABLE received (id int PRIMARY KEY)');
  const from = `host=127.0.0.1 port=${postgres.port} dbname=${publisher.name} user=${postgres.user} password=${postgres.password}`;
  await bed.database.query(
    `CREATE SUBSCRIPTION "sub ""x""" CONNECTION '${from}' PUBLICATION p WITH (create_slot = false, slot_name = '${slot}', copy_data = false)`,
  );
  await publish(1);
  await received(bed.database.name, [1]);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  return async () => {
    await bed.close();
    await expect
      .poll(slots, { timeout: 60_000 })
      .not.toContainEqual(expect.objectContaining({ active: true }));
    await publisher.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()',
    );
    await publisher.drop();
  };
});

const slots = () =>
  publisher.query<{ slot: string; active: boolean }>(
    'SELECT slot_name AS slot, active FROM pg_replication_slots WHERE database = current_database()',
  );

const publish = (id: number) => publisher.query(`INSERT INTO received VALUES (${id})`);

const inDatabase = <T>(name: string, sql: string): Promise<T[]> =>
  withClient(bed.env, name, async (client) => (await client.query(sql)).rows as T[]);

const idsIn = async (name: string) =>
  (await inDatabase<{ id: number }>(name, 'SELECT id FROM received ORDER BY id')).map(({ id }) => id);

const received = (name: string, ids: readonly number[]) =>
  expect.poll(() => idsIn(name), { timeout: 60_000 }).toEqual(ids);

const subscriptions = () =>
  inDatabase<{ database: string; enabled: boolean }>(
    'postgres',
    `SELECT d.datname AS database, s.subenabled AS enabled FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid ORDER BY 1`,
  );

const restore = (...how: string[]) => bed.run(['restore', '--latest', '--yes', '--no-audit', ...how]);

/** Runs what a restore's report says to have the restored database take what follows. */
async function goOn(report: string): Promise<void> {
  const [statements = ''] =
    /(?<=receive later changes, run in it: )ALTER SUBSCRIPTION .*;$/m.exec(report) ?? [];
  expect(statements, report).not.toBe('');
  for (const statement of statements.split('; ')) {
    await bed.database.query(statement);
    await takesAll();
  }
}

/** Gives the worker of a subscription the time to take all that there is, if it can. */
async function takesAll(): Promise<void> {
  const tooLate = performance.now() + 1500;
  for (let rest = true; rest && performance.now() < tooLate; ) {
    const [first] = await publisher.query<{ rest: boolean }>(
      `SELECT confirmed_flush_lsn < pg_current_wal_lsn() AS rest FROM pg_replication_slots WHERE slot_name = '${slot}'`,
    );
    rest = first?.rest === true;
  }
}

test('that slots by which others follow a database go with the old one is told before, and what to do after', async () => {
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, dumpText('CREATE TABLE public.received (id integer);'));
  const { status, stdout, stderr } = await bed.run(['restore', file, '--yes', '--no-audit'], {
    POSTGRES_DB: publisher.name,
  });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stdout).toContain(
    `\nlogical replication slots (${slot}) stay with the old database and make this server keep all WAL until they are dropped: to follow database ${publisher.name} again, a subscriber has to drop its subscription, empty its tables and create the subscription again\n`,
  );
  expect(await slots()).toEqual([]);
  expect(stderr).toMatch(
    new RegExp(
      `WARN: logical replication slots belong to the old database ${publisher.name} \\(${slot}\\): subscribers get nothing`,
    ),
  );
});

test('a role that may not end the worker of a subscription is told how it ends', async () => {
  const { name } = bed.database;
  const role = `${name}_owner`;
  await bed.database.query(
    `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}`,
  );
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, dumpText('CREATE TABLE public.received (id integer);'));
  try {
    const env = { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
    const { status, stderr } = await bed.run(['restore', file, '--yes', '--no-audit', '--quiet'], env);
    expect(status).toBe(1);
    expect(stderr).toContain(
      '; those of its subscriptions end if you run in it: ALTER SUBSCRIPTION "sub ""x""" DISABLE;',
    );
  } finally {
    await bed.database.query(`ALTER DATABASE ${name} OWNER TO CURRENT_USER; DROP ROLE ${role}`);
  }
});

test('the database that was replaced takes nothing more, and the restored one goes on where it stopped', async () => {
  const { name } = bed.database;
  await publish(2);
  await received(name, [1, 2]);
  const restored = await restore('--quiet');
  expect(restored).toMatchObject({ status: 0, stderr: '' });
  const [, kept] = await bed.databases();
  expect(restored.stdout).toContain(
    `the old database is kept as ${kept}; the next \`restore\` drops it, unless --in-place or --into is given\n` +
      `the old database’s subscriptions (${SUBSCRIPTION}) are disabled; changes it received since the backup exist only there; to let `,
  );
  expect(await subscriptions()).toEqual([
    { database: name, enabled: false },
    { database: kept, enabled: false },
  ]);
  await publish(3);
  await goOn(restored.stdout);
  await received(name, [1, 3]);
  expect(await idsIn(kept!)).toEqual([1, 2]);

  const again = await restore('--json');
  expect(JSON.parse(again.stdout)).toMatchObject({
    dropped: [kept],
    notDropped: [],
    unusedSlots: [],
    subscriptions: { disabled: [SUBSCRIPTION], continued: [SUBSCRIPTION], refused: [] },
  });
  expect(await bed.databases()).toHaveLength(2);
  expect(await slots()).toMatchObject([{ slot }]);
});

test('with --drop-old it is dropped, and its slot stays for the restored one', async () => {
  const restored = await restore('--drop-old');
  expect(restored).toMatchObject({ status: 0 });
  expect(restored.stdout).toMatch(/changes it received since the backup were lost with it; to let database /);
  expect(restored.stdout).not.toMatch(/replication slot|still there/);
  expect(await bed.databases()).toEqual([bed.database.name]);
  await publish(2);
  await goOn(restored.stdout);
  await received(bed.database.name, [1, 2]);
});

test('a slot that no database uses any more is named, with what drops it', async () => {
  const dump = join(bed.directory, 'without.sql');
  await writeFile(dump, dumpText('CREATE TABLE public.received (id int);'));
  const restored = await bed.run(['restore', dump, '--yes', '--drop-old']);
  expect(restored).toMatchObject({ status: 0 });
  expect(restored.stdout).toMatch(
    /subscriptions \(.*\) are disabled; changes it received since the backup were lost with it\n/,
  );
  const [statement = ''] = /SELECT pg_drop_replication_slot\(.*\);$/m.exec(restored.stdout) ?? [];
  await publisher.query(statement);
  expect(await slots()).toEqual([]);
});

test('a swap that does not come about leaves the subscription as it was', async () => {
  const { name } = bed.database;
  const names = { target: name, scratch: `${name}_gone`, kept: `${name}_kept` };
  const found = {
    name,
    present: { oid: 1, invalid: false },
    taken: new Set<string>(),
    kept: [],
    traces: [],
  };
  const placing = placeScratch(
    { database: bed.tool, log: keepingLog().log },
    { kind: 'swap', dropOld: false },
    found,
    names,
  );
  await expect(placing).rejects.toThrow(/does not exist/);
  expect(await subscriptions()).toEqual([{ database: name, enabled: true }]);
  await publish(2);
  await received(name, [1, 2]);
});

test('a role that may not alter the subscription is told that the old database stays', async () => {
  const { name } = bed.database;
  const role = `${name}_plain`;
  await inDatabase('postgres', `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'`);
  await bed.database.query(`ALTER SUBSCRIPTION "sub ""x""" DISABLE; ALTER DATABASE ${name} OWNER TO ${role}`);
  const dump = join(bed.directory, 'plain.sql');
  await writeFile(dump, dumpText('CREATE TABLE public.received (id int);'));
  const asRole = (...how: string[]) =>
    bed.run(['restore', dump, '--yes', ...how], { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });

  const restored = await asRole('--quiet');
  expect(restored).toMatchObject({ status: 0, stderr: '' });
  expect(restored.stdout).not.toMatch(/the next `restore` drops it/);
  const [, kept] = await bed.databases();
  expect(restored.stdout).toContain(
    `the old database is kept as ${kept}; this role may not alter its subscriptions (${SUBSCRIPTION}): `,
  );
  expect(restored.stdout).toContain(
    `: must be owner of subscription ${SUBSCRIPTION}; they keep it from being dropped and, if enabled, still receive changes — `,
  );

  const again = await asRole('--quiet');
  expect(again).toMatchObject({ status: 0, stderr: '' });
  expect(again.stdout).toContain(
    `database ${kept} was not dropped: cannot drop subscription ${SUBSCRIPTION}: `,
  );

  const [statements = ''] =
    /(?<=run in that database as a role that may: )ALTER SUBSCRIPTION .*;/.exec(restored.stdout) ?? [];
  for (const statement of statements.split('; ')) await inDatabase(kept!, statement);
  const third = await asRole('--drop-old');
  expect(third.stdout).toContain(`dropped database ${kept}\n`);
  expect(await bed.databases()).toEqual([name]);
  await bed.database.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP ROLE ${role}`);
});
