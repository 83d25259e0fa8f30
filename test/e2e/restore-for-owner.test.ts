import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;
/** The database's owner, who may not connect, and the role that restores it for the owner. */
let owner: string;
let operator: string;

/** What README asks for: the right to create databases, and membership in the owner. */
beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  const { name } = bed.database;
  [owner, operator] = [`${name}_app`, `${name}_op`];
  await bed.database.query(
    `CREATE ROLE ${owner}; CREATE ROLE ${operator} LOGIN CREATEDB PASSWORD 'x'; GRANT ${owner} TO ${operator};
     ALTER DATABASE ${name} OWNER TO ${owner}; SET ROLE ${owner};
     CREATE TABLE public.c (id int PRIMARY KEY); INSERT INTO c VALUES (1);
     CREATE PUBLICATION p FOR TABLE c;
     CREATE SCHEMA own; CREATE TABLE own.d AS SELECT 2 AS id`,
  );
});

afterEach(async () => {
  await withClient(bed.env, bed.database.name, (client) =>
    client.query(`DROP OWNED BY ${owner}, ${operator}`),
  );
  await bed.close();
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP ROLE ${owner}, ${operator}`));
});

const asOperator = (...args: string[]) => bed.run(args, { POSTGRES_USER: operator, POSTGRES_PASSWORD: 'x' });

const ownerAndAcl = async () => {
  const [found] = await bed.database.query(
    'SELECT datdba::regrole::text AS owner, datacl::text AS acl FROM pg_database WHERE datname = current_database()',
  );
  return found;
};

test.each([[['--jobs', '1']], [['--jobs', '2']], [['--in-place']]])(
  'the owner’s database is restored by a member of the owner (%j)',
  async (flags) => {
    await bed.database.query(
      `REVOKE CREATE, TEMPORARY ON DATABASE ${bed.database.name} FROM PUBLIC, ${owner}`,
    );
    const before = await ownerAndAcl();
    expect(before).toMatchObject({ owner, acl: expect.stringContaining(`${owner}=c/${owner}`) });
    expect(await asOperator('backup')).toMatchObject({ status: 0 });
    expect(await asOperator('verify', '--restore')).toMatchObject({ status: 0 });
    await bed.database.query('DELETE FROM c');
    const restored = await asOperator('restore', '--latest', '--yes', '--no-audit', ...flags);
    expect(restored).toMatchObject({ status: 0 });
    expect(await bed.database.query('SELECT id FROM c')).toEqual([{ id: 1 }]);
    expect(await ownerAndAcl()).toEqual(before);
  },
);

const since16 = inject('postgresMajor') >= 16;

/** What a member may lack of the owner’s, as the version has it. */
const LACKING: readonly [options: string, why: string][] = since16
  ? [
      ['INHERIT FALSE, SET TRUE', 'this role does not inherit its rights'],
      ['INHERIT TRUE, SET FALSE', 'this role may not SET ROLE to it'],
      ['INHERIT FALSE, SET FALSE', 'this role may neither SET ROLE to it nor use its rights'],
    ]
  : [['NOINHERIT', 'this role does not inherit its rights']];

test.each(LACKING)('a member of the owner with %s is told what helps, and it does', async (options, why) => {
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query(
    since16 ? `GRANT ${owner} TO ${operator} WITH ${options}` : `ALTER ROLE ${operator} ${options}`,
  );
  const grant = since16
    ? `GRANT "${owner}" TO "${operator}" WITH INHERIT TRUE, SET TRUE`
    : `ALTER ROLE "${operator}" INHERIT`;

  const keys = await bed.keys();
  const drilled = await asOperator('verify', '--restore', '--quiet');
  expect(drilled).toMatchObject({ status: 1, stdout: '' });
  expect(drilled.stderr).toContain(
    `; the dumped database belongs to the role "${owner}", but ${why} — ${grant}, or set VERIFY_DATABASE_URL to a server that can restore it`,
  );
  expect(await bed.keys()).toEqual(keys);

  const refused = await asOperator('restore', '--latest', '--yes', '--no-audit');
  expect(refused.status).toBe(1);
  // A role with the owner's rights could replace the database, only not by another one of the owner's.
  const orElse = options.startsWith('INHERIT TRUE')
    ? 'give --no-owner'
    : 'restore beside it with --into and --no-owner';
  expect(refused.stderr).toContain(` — ${grant}, or ${orElse}`);
  // Up to PostgreSQL 15, a role that does not inherit has no right to the schema public of its own database.
  if (since16) {
    const into = `${bed.database.name}_beside`;
    const beside = await asOperator('restore', '--latest', '--into', into, '--no-owner');
    expect(beside).toMatchObject({ status: 0 });
    await bed.database.query(`DROP DATABASE ${into}`);
  }

  await bed.database.query(grant);
  expect(await asOperator('verify', '--restore')).toMatchObject({ status: 0 });
  expect(await asOperator('restore', '--latest', '--yes', '--no-audit')).toMatchObject({ status: 0 });
});
