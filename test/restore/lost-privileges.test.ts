import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
/** The database's owner, the role that restores it for the owner, and one that gets privileges. */
let [owner, operator, monitor] = ['', '', ''];

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  const { name } = bed.database;
  [owner, operator, monitor] = [`${name}_app`, `${name}_op`, `${name}_mon`];
  await bed.database.query(
    `CREATE ROLE ${owner}; CREATE ROLE ${monitor};
     CREATE ROLE ${operator} LOGIN CREATEDB PASSWORD 'x'; GRANT ${owner} TO ${operator};
     ALTER DATABASE ${name} OWNER TO ${owner}; SET ROLE ${owner};
     CREATE EXTENSION pg_trgm; RESET ROLE;
     GRANT EXECUTE ON FUNCTION similarity(text, text) TO ${monitor};
     REVOKE ALL ON FUNCTION public.show_trgm(text) FROM PUBLIC;
     REVOKE ALL ON FUNCTION pg_catalog.pg_sleep(float8) FROM PUBLIC`,
  );
});

afterEach(async () => {
  const roles = [operator, owner, monitor].join(', ');
  for (const name of await bed.databases())
    await withClient(bed.env, name, (client) => client.query(`DROP OWNED BY ${roles} CASCADE`));
  await bed.close();
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP ROLE ${roles}`));
});

const asOperator = (...args: string[]) => bed.run(args, { POSTGRES_USER: operator, POSTGRES_PASSWORD: 'x' });
const warningsOf = (stderr: string) => stderr.split('\n').filter((line) => line.includes('WARN'));

const LOST = [
  /line \d+, ACL pg_catalog\.FUNCTION pg_sleep\(double precision\): no privileges could be revoked for "pg_sleep"/,
  /line \d+, ACL public\.FUNCTION show_trgm\(text\): no privileges could be revoked for "show_trgm"/,
  /line \d+, ACL public\.FUNCTION similarity\(text, text\): no privileges were granted for "similarity"/,
];

test('grants and revocations that the role may not make are warned of', async () => {
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  for (const how of [['--jobs', '1'], ['--jobs', '2'], ['--in-place']]) {
    const restored = await asOperator('restore', '--latest', '--yes', '--no-audit', ...how);
    expect(restored).toMatchObject({ status: 0 });
    const warnings = warningsOf(restored.stderr);
    for (const lost of LOST) {
      const told = warnings.filter((line) => lost.test(line));
      expect(told).toEqual([expect.stringMatching(/; run the statement as a superuser after the restore$/)]);
    }
    expect(warnings).toHaveLength(LOST.length);
  }
  expect(warningsOf((await bed.run(['restore', '--latest', '--yes', '--no-audit'])).stderr)).toEqual([]);
});

test('they are warned of too where a complete copy is kept in place after its connection broke', async () => {
  await bed.database.query(
    `GRANT pg_signal_backend TO ${owner}; SET ROLE ${owner};
     CREATE FUNCTION ending(id integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS
     $$ BEGIN IF current_query() LIKE 'ANALYZE%' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN id; END $$;
     CREATE TABLE t (id integer); INSERT INTO t VALUES (1); CREATE INDEX ON t (public.ending(id))`,
  );
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  const { status, stderr } = await asOperator('restore', '--latest', '--yes', '--no-audit', '--in-place');
  expect({ status, stderr }).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/all of the dump is in/),
  });
  for (const lost of LOST) expect(stderr).toMatch(lost);
});

test('a drill that they prevent says so and records no fault', async () => {
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  const before = await bed.keys();
  const refused = await asOperator('verify', '--restore', '--quiet');
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /cannot try to restore \S+: this role may not make all of its grants on the server of the drill: line \d+, ACL .* — drill as a superuser, or set VERIFY_DATABASE_URL/,
  );
  expect(refused.stderr).not.toContain('after the restore');
  expect(await bed.keys()).toEqual(before);
  expect(await bed.run(['verify', '--restore'])).toMatchObject({ status: 0 });
});

test('of many only the first are told, and how many more there are', async () => {
  const grants = Array.from({ length: 23 }, () => `GRANT ALL ON FUNCTION pg_catalog.now() TO ${monitor};\n`);
  const file = join(bed.directory, 'dump.sql');
  await writeFile(file, dumpText(`${entry('ACL', 'FUNCTION now()', 'pg_catalog')}${grants.join('')}`));
  const into = `${bed.database.name}_many`;
  const restored = await asOperator('restore', file, '--into', into);
  expect(restored).toMatchObject({ status: 0 });
  const warnings = warningsOf(restored.stderr);
  expect(warnings).toHaveLength(21);
  expect(warnings.at(-1)).toMatch(/3 more grants or revocations are without effect$/);
});
