import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { type AuditBed, createAuditBed } from '../audit/audit-bed.ts';

/** What somebody has made who may create objects in the database, and is no superuser like the one who backs it up. */
const LOOKALIKES = `
  CREATE SCHEMA odd;
  CREATE TABLE odd.pg_class (a int);
  CREATE TABLE odd.pg_namespace (a int);
  CREATE TABLE odd.pg_database (a int);
  CREATE VIEW odd.pg_stat_activity AS SELECT 1 AS a;
  CREATE FUNCTION public.format(text, name, name) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'sprung'; END$$;
  CREATE FUNCTION public.format(text, name) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'sprung'; END$$;
  CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'sprung'; END$$`;

const NAMED = { AUDIT_REFERENCES: '[{"column": "files.key"}]' };

let bed: AuditBed;

beforeEach(async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE files (id int PRIMARY KEY, key text); INSERT INTO files VALUES (1, E'a\\\\b');
     CREATE TABLE django_migrations (id int, app text, name text);
     INSERT INTO django_migrations VALUES (1, 'manager', '0001'), (2, 'manager', '0002');
     ${LOOKALIKES}`,
  );
  await bed.put('media/a\\b');
});

afterEach(() => bed.close());

test.each([
  ['of the search path by default', ''],
  ['that the search path has before the server’s own', 'search_path = odd, public, pg_catalog'],
  ['beside strings in which a backslash escapes', 'standard_conforming_strings = off'],
])('what looks like the server’s own is left alone: objects %s', async (_, setting) => {
  const { name } = bed.database;
  if (setting !== '') await bed.database.query(`ALTER DATABASE ${name} SET ${setting}`);
  expect(await bed.run(['backup'], NAMED)).toMatchObject({ status: 0 });
  const shown = JSON.parse((await bed.run(['show', 'latest', '--json'], NAMED)).stdout) as object;
  expect(shown).toMatchObject({
    manifest: { migrations: { manager: '0002' }, media: { references: 1, dangling: 0 } },
  });
  expect((await bed.report([], NAMED)).findings).toEqual([]);
  expect(await bed.run(['verify', '--restore'], NAMED)).toMatchObject({ status: 0 });
  for (const args of [['--jobs', '2'], ['--in-place']])
    expect(await bed.run(['restore', '--latest', '--yes', ...args], NAMED)).toMatchObject({ status: 0 });
  expect(await bed.run(['doctor'], NAMED)).toMatchObject({ status: 0 });
});
