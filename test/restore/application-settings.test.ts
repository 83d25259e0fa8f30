import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

/**
 * What is set for an application may be in the way of its dump, or have the rows read otherwise; or the dump may depend
 * on it.
 */
const TABLES = `
  CREATE TABLE tagged (id int PRIMARY KEY, tags text[], numbers int[]);
  INSERT INTO tagged VALUES (1, '{NULL,a,"NULL"}', '{1,NULL}');
  CREATE TABLE dated (day date CHECK (day::text ~ '^[0-9]{2}[.]'));
  SET DateStyle = 'German, DMY';
  INSERT INTO dated VALUES ('2026-02-03');
  CREATE TABLE lasting (span interval CHECK (span::text LIKE 'P%'), share float8);
  CREATE FUNCTION public.told(float8) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
  ALTER TABLE lasting ADD told text GENERATED ALWAYS AS (public.told(share)) STORED;
  SET IntervalStyle = iso_8601;
  SET extra_float_digits = 0;
  INSERT INTO lasting VALUES ('1 day 2 hours', 0.1::float8 + 0.2);
  CREATE VIEW spelled AS SELECT day::text AS day FROM dated;
  CREATE MATERIALIZED VIEW shown AS SELECT * FROM spelled`;

/** Not each server knows both. */
const settings = (name: string) => `
  ALTER DATABASE ${name} SET DateStyle = 'German, DMY';
  ALTER DATABASE ${name} SET IntervalStyle = iso_8601;
  ALTER DATABASE ${name} SET extra_float_digits = 0;
  ALTER DATABASE ${name} SET array_nulls = off;
  DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind') THEN
      ALTER DATABASE ${name} SET restrict_nonsystem_relation_kind = 'view, foreign-table';
    END IF;
  END $$`;

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  const { name } = bed.database;
  await bed.database.query(`${TABLES};${settings(name)}`);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
});

afterEach(() => bed.close());

const state = (name: string) =>
  withClient(bed.env, name, async (client) => {
    const { rows } = await client.query<{ state: unknown }>(
      `SELECT jsonb_build_array((SELECT jsonb_agg(t) FROM tagged t), (SELECT jsonb_agg(t) FROM shown t),
         (SELECT jsonb_agg(day - '2000-01-01'::date) FROM dated),
         (SELECT jsonb_agg(told) FROM lasting)) AS state`,
    );
    return rows[0]?.state;
  });

test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
  ['one connection', ['--jobs', '1'], {}],
  ['two connections', ['--jobs', '2'], {}],
  ['in place', ['--in-place'], {}],
  ['a setting of the client’s', ['--jobs', '2'], { PGOPTIONS: '-c array_nulls=off' }],
])('a restore over what an application has set: %s', async (_, args, env) => {
  const before = await state(bed.database.name);
  expect(before).toEqual([
    [{ id: 1, tags: [null, 'a', 'NULL'], numbers: [1, null] }],
    [{ day: '03.02.2026' }],
    [9530],
    ['0.3'],
  ]);
  const restored = await bed.run(['restore', '--latest', '--yes', ...args], env);
  expect(restored).toMatchObject({ status: 0 });
  expect(await state(bed.database.name)).toEqual(before);
});

test('a drill of it, and rows alone', async () => {
  const before = await state(bed.database.name);
  expect(await bed.run(['verify', '--restore', '--quiet'])).toMatchObject({ status: 0 });
  await bed.database.query('TRUNCATE tagged, dated, lasting');
  const tables = ['tagged', 'dated', 'lasting'].flatMap((table) => ['--table', table]);
  expect(
    await bed.run(['restore', '--latest', '--yes', ...tables, '--data-only', '--into', bed.database.name]),
  ).toMatchObject({ status: 0 });
  expect(await state(bed.database.name)).toEqual(before);
});

test('a role whose transactions only read by default restores all the same', async () => {
  const env = { PGOPTIONS: '-c default_transaction_read_only=on' };
  expect(await bed.run(['restore', '--latest', '--yes'], env)).toMatchObject({ status: 0 });
  expect(await bed.run(['verify', '--restore', '--quiet'], env)).toMatchObject({ status: 0 });
});
