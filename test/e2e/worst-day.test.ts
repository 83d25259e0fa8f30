import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { RestoreError } from '../../src/errors.ts';
import { dropScratch } from '../../src/restore/databases/scratch.ts';
import { withClient } from '../support/database.ts';
import { dumpText } from '../support/dump-text.ts';
import { rollBackPrepared } from '../support/roll-back-prepared.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';
import { UNRESTORABLE_SCHEMA } from '../support/unrestorable-schema.ts';

const signal = new AbortController().signal;
let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
});
afterEach(() => bed.close());

const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));

/** As the server leaves a database of which a drop was cut off, by a crash say. */
const cutOffDrop = (name: string) =>
  admin(`UPDATE pg_database SET datconnlimit = -2, datallowconn = false WHERE datname = '${name}'`);

test.each([[[]], [['--in-place']], [['--drop-old']]])(
  'a database of which a drop was cut off is restored (%j), and nothing else is advised',
  async (flags) => {
    const { name } = bed.database;
    await bed.database.query('CREATE TABLE t AS SELECT 1 AS id');
    await bed.run(['backup', '--quiet']);
    await cutOffDrop(name);

    const doctor = await bed.run(['doctor']);
    expect(doctor.stdout).toContain(`DROP DATABASE "${name}";`);
    expect(doctor.stdout).not.toContain('ALLOW_CONNECTIONS');
    const backup = await bed.run(['backup']);
    expect(backup.status).toBe(1);
    expect(backup.stderr).not.toContain('ALLOW_CONNECTIONS');

    const planned = await bed.run(['restore', '--latest', '--dry-run', '--no-audit', ...flags]);
    expect(planned).toMatchObject({ status: 0 });
    expect(planned.stdout).toContain(`DROP what is left of database ${name}`);

    const beside = await bed.run(['restore', '--latest', '--into', `${name}_look`]);
    expect(beside).toMatchObject({ status: 0 });
    await admin(`DROP DATABASE ${name}_look`);

    const restored = await bed.run(['restore', '--latest', '--yes', '--no-audit', ...flags]);
    expect(restored).toMatchObject({ status: 0 });
    expect(await bed.database.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
    expect(await bed.databases()).toEqual([name]);
  },
);

test('one that an earlier restore has kept is dropped all the same', async () => {
  const { name } = bed.database;
  await bed.database.query('CREATE TABLE t AS SELECT 1 AS id');
  await bed.run(['backup', '--quiet']);
  const restore = () => bed.run(['restore', '--latest', '--yes', '--no-audit']);
  await restore();
  const [kept] = (await bed.databases()).filter((other) => other !== name);
  await cutOffDrop(kept!);
  expect(await restore()).toMatchObject({ status: 0 });
  expect(await bed.databases()).not.toContain(kept);
});

test.each([
  ['full', '53100', [{ relname: 'large' }, { relname: 'owned' }]],
  ['not', '22P02', [{ relname: 'large' }, { relname: 'owned' }, { relname: 'part' }, { relname: 'small' }]],
])('where the disk is %s at fault, a database is dropped only once its tables are', async (_, code, left) => {
  const scratch = `${bed.database.name}_restore_20261123103000`;
  await admin(`CREATE DATABASE ${scratch}`);
  await withClient(bed.env, scratch, async (client) => {
    await client.query(`CREATE TABLE large (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE part PARTITION OF large DEFAULT;
      INSERT INTO large SELECT generate_series(1, 10000);
      CREATE TABLE small (id int REFERENCES large);
      CREATE TABLE owned AS SELECT * FROM large;
      ALTER EXTENSION plpgsql ADD TABLE owned;
      CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM large`);
    // What keeps the database from being dropped shows what was done before.
    await client.query(
      `CREATE TABLE held (); BEGIN; LOCK TABLE held IN ACCESS SHARE MODE; PREPARE TRANSACTION '${scratch}'`,
    );
  });
  try {
    const { log, lines } = keepingLog();
    const cause = Object.assign(new Error('refused'), { code });
    const failure = new RestoreError({ doing: 'a', problem: 'b', cause });
    await dropScratch({ database: bed.tool, log }, scratch, failure);
    expect(lines.join()).toContain(`database ${scratch} is left over`);
    const { rows } = await withClient(bed.env, scratch, (client) =>
      client.query(
        `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND relname <> 'held' ORDER BY 1`,
      ),
    );
    expect(rows).toEqual(left);
  } finally {
    await rollBackPrepared(bed.env, scratch);
    await admin(`DROP DATABASE ${scratch}`);
  }
});

test('--in-place drops nothing for a backup that could not be restored when it was verified', async () => {
  await bed.database.query(UNRESTORABLE_SCHEMA);
  await bed.run(['backup', '--quiet']);
  const drilled = await bed.run(['verify', '--restore', '--quiet']);
  expect(drilled.status).toBe(3);
  for (const how of ['--dry-run', '--yes']) {
    const refused = await bed.run(['restore', '--latest', '--in-place', '--no-audit', how]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('cannot restore backup');
    expect(refused.stderr).toContain('leave out --in-place');
  }
  expect(await bed.database.query('SELECT id FROM checked')).toEqual([{ id: 1 }]);
  const beside = await bed.run(['restore', '--latest', '--yes', '--no-audit']);
  expect(beside.status).toBe(1);
  expect(beside.stderr).toMatch(/WARN: verification at .* could not restore backup \d{14}: restore: /);
  expect(beside.stderr).toContain('ALTER FUNCTION … SET search_path');
});

test('one that restores to something else is doubted, and restored in place all the same', async () => {
  await bed.database.query('CREATE TABLE t AS SELECT 1 AS id');
  const { id } = JSON.parse((await bed.run(['backup', '--json', '--quiet'])).stdout) as { id: string };
  await bed.run(['verify', '--restore', '--quiet']);
  const key = `backup/postgres-backup-${id}.verified.json`;
  const record = JSON.parse(
    Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray()).toString(),
  ) as { checks: object[] };
  const faults = [{ what: 'schema', where: 'TABLE public.t', expected: 'a', found: 'b' }];
  const checks = record.checks.map((check) => ({ ...check, ok: false, faults, faultCount: 1 }));
  const body = Buffer.from(JSON.stringify({ ...record, checks }));
  await bed.store.put(key, body, { ifAbsent: false, contentType: 'application/json', signal });
  const restored = await bed.run(['restore', '--latest', '--in-place', '--yes', '--no-audit']);
  expect(restored).toMatchObject({ status: 0 });
  expect(restored.stderr).toContain(`found that backup ${id} does not restore to what was dumped`);
});

test('a setting that only a superuser may set is told under the name that the database has in the end', async () => {
  const { name } = bed.database;
  const role = `app_${name}`;
  await admin(`CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role};
    ALTER DATABASE ${name} SET log_min_duration_statement = 1234; GRANT pg_signal_backend TO ${role}`);
  try {
    await bed.run(['backup', '--quiet']);
    const as = { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
    const drilled = await bed.run(['verify', '--restore'], as);
    expect(drilled.stderr).not.toContain('superuser');
    const restored = await bed.run(['restore', '--latest', '--yes', '--no-audit', '--drop-old'], as);
    expect(restored).toMatchObject({ status: 0 });
    const [, statement] = /superuser after the restore: (ALTER .*)/.exec(restored.stderr)!;
    expect(statement).toBe(`ALTER DATABASE "${name}" SET "log_min_duration_statement" TO '1234'`);
    await admin(statement!);
  } finally {
    await admin(`REASSIGN OWNED BY ${role} TO CURRENT_USER`).catch(() => {});
    await admin(`ALTER DATABASE ${name} OWNER TO CURRENT_USER`);
    await bed.database.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}`);
    await admin(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

/**
 * A dump that the server refuses for want of room, and whose database shows on the whole server that a table was
 * dropped; from PostgreSQL 17 on it cannot, as no event trigger runs in a database that is being restored.
 */
const refusedForRoom = (slot: string) =>
  dumpText(`CREATE TABLE public.filled (id int);
CREATE FUNCTION public.show_drop() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_create_physical_replication_slot('${slot}'); END $$;
CREATE EVENT TRIGGER shown ON sql_drop EXECUTE FUNCTION public.show_drop();
DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;`);

test.runIf(inject('postgresMajor') < 17).each([
  ['a restore', ['restore', '--yes', '--no-audit', '20200101000000']],
  ['a restore in place', ['restore', '--in-place', '--yes', '--no-audit', '20200101000000']],
  ['a drill', ['verify', '--restore', '20200101000000']],
])('%s that fills the disk frees it before the database is dropped', async (_, args) => {
  const slot = `dropped_${bed.database.name}`;
  const key = 'backup/postgres-backup-20200101000000.sql';
  const body = Buffer.from(refusedForRoom(slot));
  await bed.store.put(key, body, { ifAbsent: true, contentType: 'application/sql', signal });
  expect(await bed.run(args)).toMatchObject({ status: 1, stderr: expect.stringContaining('no space left') });
  const { rows } = await admin(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${slot}'`,
  );
  expect(rows).toHaveLength(1);
  expect(await bed.databases()).toEqual([bed.database.name]);
});
