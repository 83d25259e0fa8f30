import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { dropDatabase } from '../../src/postgres/administration.ts';
import { withClient } from '../support/database.ts';
import { dumpText } from '../support/dump-text.ts';
import { rollBackPrepared } from '../support/roll-back-prepared.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
let dump: string;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE held ()');
  dump = join(bed.directory, 'dump.sql');
  await writeFile(dump, dumpText('CREATE TABLE public.held ();'));
});

afterEach(() => rollBackPrepared(bed.env, bed.database.name));

afterAll(() => bed.close());

const prepare = (gid: string) =>
  bed.database.query(`BEGIN; LOCK TABLE held IN ACCESS SHARE MODE; PREPARE TRANSACTION '${gid}'`);

test.each([
  ['a restore', ['--yes']],
  ['a restore in place', ['--in-place', '--yes']],
  ['a dry run', ['--dry-run']],
])('%s is refused before anything is made where a prepared transaction was left', async (_, how) => {
  const gid = `${bed.database.name} a''b`;
  await prepare(gid);
  const refused = await bed.run(['restore', dump, ...how]);
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /cannot restore \S+dump\.sql in place of database t_\w+: prepared transactions keep it from being renamed or dropped \(t_\w+ a'b of role \w+, since \d{4}-.* UTC\) — run in it: /,
  );
  expect(refused.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(await bed.databases()).toEqual([bed.database.name]);
});

test('of many prepared transactions three are named, and the statements that end these', async () => {
  const { name } = bed.database;
  for (const each of ['a', 'b', 'c', 'd', 'e']) await prepare(`${name}_${each}`);
  const refused = await bed.run(['restore', dump, '--yes']);
  expect(refused.stderr).toMatch(
    /\(\S+_a of role \w+, since .*; \S+_b of role .*; \S+_c of role .* and 2 more\)/,
  );
  const [statements = ''] =
    /ROLLBACK PREPARED .*;(?= and so on \(SELECT gid FROM pg_prepared_xacts\))/.exec(refused.stderr) ?? [];
  for (const statement of statements.split('; ')) await bed.database.query(statement);
  expect(
    await bed.database.query('SELECT gid FROM pg_prepared_xacts WHERE database = $1 ORDER BY 1', [name]),
  ).toEqual([{ gid: `${name}_d` }, { gid: `${name}_e` }]);
});

test('one that ends within a moment is waited for', async () => {
  const gid = `${bed.database.name}_passing`;
  await prepare(gid);
  const looks = () =>
    withClient(bed.env, 'postgres', async (client) => {
      const { rows } = await client.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'topobank-backup' AND query LIKE 'SELECT gid%pg_prepared_xacts%'`,
      );
      return rows.length;
    });
  let ending: Promise<unknown> = Promise.resolve();
  const restored = await bed.run(
    ['restore', dump, '--yes', '--drop-old'],
    {},
    {
      onSpawn: () => {
        ending = expect
          .poll(looks, { timeout: 60_000, interval: 20 })
          .toBe(1)
          .then(() => bed.database.query(`ROLLBACK PREPARED '${gid}'`));
      },
    },
  );
  await ending;
  expect(restored).toMatchObject({ status: 0 });
});

test('a database that cannot be dropped for one serves on, and the error says so at once', async () => {
  await prepare(bed.database.name);
  await withClient(bed.env, bed.database.name, async (session) => {
    await withClient(bed.env, 'postgres', async (admin) => {
      await expect(dropDatabase(admin, bed.database.name)).rejects.toThrow(
        /^cannot drop database t_\w+: prepared transactions keep it from .* — run in it: ROLLBACK PREPARED 't_\w+';/,
      );
    });
    // No session was ended for it.
    expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
  expect(await bed.database.query('SELECT count(*)::int AS count FROM held')).toEqual([{ count: 0 }]);
});

test('a kept database that cannot be dropped for one keeps its subscriptions', async () => {
  const { name } = bed.database;
  const restore = () => bed.run(['restore', dump, '--yes', '--no-audit', '--json', '--quiet']);
  const { kept } = JSON.parse((await restore()).stdout) as { kept: string };
  const inKept = (sql: string) =>
    withClient(bed.env, kept, async (client) => (await client.query(sql)).rows as unknown[]);
  const subscription = `${name}_sub`;
  await inKept(
    `CREATE SUBSCRIPTION ${subscription} CONNECTION '' PUBLICATION x WITH (connect = false, slot_name = NONE)`,
  );
  try {
    await inKept(`BEGIN; LOCK TABLE held IN ACCESS SHARE MODE; PREPARE TRANSACTION '${name}_kept'`);
    const { status, stdout } = await restore();
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      notDropped: [{ name: kept, why: expect.stringContaining('prepared transactions keep it from being') }],
    });
    expect(await inKept(`SELECT FROM pg_subscription WHERE subname = '${subscription}'`)).toHaveLength(1);
  } finally {
    await inKept(`ROLLBACK PREPARED '${name}_kept'`).catch(() => {});
    await inKept(`DROP SUBSCRIPTION ${subscription}`);
  }
});
