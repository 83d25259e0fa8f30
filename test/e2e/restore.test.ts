import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { compareDigests, type DatabaseDigest, digestDatabase } from '../support/compare-databases.ts';
import { withClient } from '../support/database.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import { fillTopobank } from '../support/topobank-fixture.ts';

const signal = new AbortController().signal;
let bed: TestBed;
let before: DatabaseDigest;
/** The database's dump as files, by the form that pg_dump gave them. */
let dumps: Record<'sql' | 'sql.gz' | 'dump', Buffer>;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await withClient(bed.env, bed.database.name, (client) => fillTopobank(client, { scale: 0.02 }));
  before = await digestDatabase(bed.env, bed.database.name);
  dumps = { sql: await pgDump('plain'), 'sql.gz': Buffer.alloc(0), dump: await pgDump('custom') };
  dumps['sql.gz'] = gzipSync(dumps.sql);
});

/** Each test begins with the database damaged, and nothing else on the server. */
beforeEach(async () => {
  for (const name of await bed.databases())
    if (name !== bed.database.name) await admin(`DROP DATABASE "${name}"`);
  await bed.database.query('CREATE TABLE IF NOT EXISTS damage (); DELETE FROM manager_surface_tags');
});

afterAll(() => bed.close());

const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));

const pgDump = (format: 'plain' | 'custom') => runPgDump(bed.env, [`--format=${format}`, bed.database.name]);

const isRestored = async (name = bed.database.name) => {
  expect(compareDigests(before, await digestDatabase(bed.env, name))).toEqual([]);
};

async function asFile(name: string, bytes: Buffer): Promise<string> {
  const path = join(bed.directory, name);
  await writeFile(path, bytes);
  return path;
}

async function asObject(name: string, bytes: Buffer): Promise<void> {
  await bed.store.put(`backup/${name}`, bytes, {
    ifAbsent: false,
    contentType: 'application/octet-stream',
    signal,
  });
}

const FILES = [
  ['dump.sql', 'sql'],
  ['dump.sql.gz', 'sql.gz'],
  ['dump.dump', 'dump'],
  // As cookiecutter-django's `backup` names it.
  ['backup_2018_03_13T09_05_07.sql.gz', 'sql.gz'],
] as const;

test.each(FILES)('from the local file %s', async (name, form) => {
  const file = await asFile(name, dumps[form]);
  const into = `${bed.database.name}_${form}`;
  const restored = await bed.run(['restore', file, '--into', into, '--json']);
  expect(restored).toMatchObject({ status: 0 });
  expect(JSON.parse(restored.stdout)).toMatchObject({
    source: file,
    database: into,
    kept: null,
    dropped: [],
  });
  await isRestored(into);
});

// As go-s3-backup names them.
test.each(['sql', 'sql.gz', 'dump'] as const)(
  'from an object postgres-backup-….%s that another program has put there',
  async (form) => {
    const id = '20210304050607';
    await asObject(`postgres-backup-${id}.${form}`, dumps[form]);
    const into = `${bed.database.name}_${form}`;
    const restored = await bed.run(['restore', id, '--into', into, '--quiet']);
    await bed.store.remove([`backup/postgres-backup-${id}.${form}`], signal);
    expect(restored).toMatchObject({ status: 0, stderr: '' });
    await isRestored(into);
  },
);

test('the latest one that is whole, the one of a time, or the one of an id', async () => {
  const times = ['20200101000000', '20200102000000', '20200103000000'];
  for (const id of times) await asObject(`postgres-backup-${id}.sql`, dumps.sql);
  await asObject('postgres-backup-20990101000000.manifest.json', Buffer.from('not JSON'));
  await asObject('postgres-backup-20990101000000.sql', dumps.sql);
  const sources = async (...args: string[]) => {
    const { status, stdout, stderr } = await bed.run(['restore', ...args, '--dry-run', '--json']);
    return status === 0 ? basename((JSON.parse(stdout) as { source: string }).source) : { status, stderr };
  };
  expect(await sources('--latest')).toBe('postgres-backup-20200103000000.sql');
  expect(await sources('latest')).toBe('postgres-backup-20200103000000.sql');
  expect(await sources('20200102000000')).toBe('postgres-backup-20200102000000.sql');
  expect(await sources('--at', '2020-01-02')).toBe('postgres-backup-20200102000000.sql');
  expect(await sources('--at', '2020-01-01T23:59')).toBe('postgres-backup-20200101000000.sql');
  expect(await sources('--at', '2020-01-02 00:30:00+01:00')).toBe('postgres-backup-20200101000000.sql');
  expect(await sources('--at', '20200102235959')).toBe('postgres-backup-20200102000000.sql');
  expect(await sources('--at', '2019-12-31')).toEqual({
    status: 4,
    stderr: expect.stringMatching(/cannot find a backup from 2019-12-31T00:00:00\.000Z or earlier/),
  });
  expect(await sources('20990101000000')).toEqual({
    status: 1,
    stderr: expect.stringMatching(/cannot use backup 20990101000000: .*it is not JSON/),
  });
  expect(await sources('20190101000000')).toEqual({
    status: 4,
    stderr: expect.stringMatching(/cannot use backup 20190101000000: there is no such backup/),
  });
  await bed.store.remove(await bed.keys(), signal);
});

test('in the place of the old database, which is kept until the next restore', async () => {
  const file = await asFile('dump.sql', dumps.sql);
  const first = JSON.parse((await bed.run(['restore', file, '--yes', '--json'])).stdout) as { kept: string };
  await isRestored();
  expect(await bed.databases()).toEqual([bed.database.name, first.kept]);
  const damaged = await withClient(bed.env, first.kept, (client) =>
    client.query(`SELECT to_regclass('damage') IS NOT NULL AS yes`),
  );
  expect(damaged.rows).toEqual([{ yes: true }]);

  const asked = await bed.run(['restore', file, '--dry-run']);
  expect(asked.stdout).toContain(`; drop ${first.kept}, kept by an earlier restore`);
  const inPlace = await bed.run(['restore', file, '--dry-run', '--in-place']);
  expect(inPlace.stdout).toMatch(
    new RegExp(
      `in its place; not dropped, although that would free room: ${first.kept}, kept by an earlier restore\n$`,
    ),
  );
  const text = await bed.run(['restore', file, '--yes']);
  expect(text.stdout).toMatch(
    /^restored \S+dump\.sql into database \S+: .*, \d+ tables, [\d,]+ rows, in .*\nthe old database is kept as (\S+); the next `restore` drops it, unless --in-place or --into is given\ndropped database (\S+)\n$/,
  );
  expect(text.stdout).toContain(`dropped database ${first.kept}\n`);
  expect(await bed.databases()).toHaveLength(2);
});

test('--drop-old leaves nothing of the old database', async () => {
  const restored = await bed.run(['restore', await asFile('dump.sql', dumps.sql), '--drop-old', '--yes']);
  expect(restored).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/\ndropped database \S+_before_restore_\d{14}\n$/),
  });
  expect(await bed.databases()).toEqual([bed.database.name]);
  await isRestored();
});

test('--in-place drops the database first, but not for a dump that is not whole', async () => {
  const cut = await bed.run([
    'restore',
    await asFile('cut.sql', dumps.sql.subarray(0, -100)),
    '--in-place',
    '--yes',
  ]);
  expect(cut).toMatchObject({ status: 1, stdout: '' });
  expect(cut.stderr).toMatch(/cut\.sql: it ends .* — use a complete dump/);
  expect(await bed.database.query(`SELECT to_regclass('damage') IS NOT NULL AS yes`)).toEqual([
    { yes: true },
  ]);

  const restored = await bed.run(['restore', await asFile('dump.sql', dumps.sql), '--in-place', '--yes']);
  expect(restored).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(`dropped database ${bed.database.name}`),
  });
  expect(await bed.databases()).toEqual([bed.database.name]);
  await isRestored();
});

test('--in-place drops nothing for a role that may not create the database anew', async () => {
  const role = `${bed.database.name}_owner`;
  await bed.database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  await bed.database.query(`ALTER DATABASE ${bed.database.name} OWNER TO ${role}`);
  try {
    const args = ['restore', await asFile('dump.sql', dumps.sql), '--in-place', '--no-owner', '--yes'];
    const refused = await bed.run(args, { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/cannot create database .*: permission denied/);
    expect(await bed.databases()).toEqual([bed.database.name]);
  } finally {
    await bed.database.query(`ALTER DATABASE ${bed.database.name} OWNER TO CURRENT_USER; DROP ROLE ${role}`);
  }
});

test('--in-place drops nothing for a role that is no member of those who own what is in the dump', async () => {
  const { name } = bed.database;
  const role = `${name}_stranger`;
  await bed.database.query(
    `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}`,
  );
  try {
    const args = ['restore', await asFile('dump.dump', dumps.dump), '--in-place', '--yes'];
    const failed = await bed.run(args, { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });
    expect(failed).toMatchObject({ status: 1, stdout: '' });
    expect(failed.stderr).toMatch(/must be (member of role|able to SET ROLE) .* — .*--no-owner/);
    expect(failed.stderr).toContain(`database ${name} is unchanged`);
    expect(await bed.databases()).toEqual([name]);
  } finally {
    await bed.database.query(`ALTER DATABASE ${name} OWNER TO CURRENT_USER; DROP ROLE ${role}`);
  }
});

test('what the role lacks for the swap is said before anything is made', async () => {
  const { name } = bed.database;
  const [role, owner] = [`${name}_owner`, `${name}_application`];
  await bed.database.query(`
    CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'; CREATE ROLE ${owner} LOGIN PASSWORD 'x';
    ALTER DATABASE ${name} OWNER TO ${owner}`);
  const as = (user: string) => ({ POSTGRES_USER: user, POSTGRES_PASSWORD: 'x' });
  const restore = (...more: string[]) => bed.run(['restore', '--latest', '--yes', ...more], as(role));
  try {
    expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
    await bed.database.query(`ALTER DATABASE ${name} OWNER TO ${role}`);
    await withClient({ ...bed.env, ...as(owner) }, name, async (client) => {
      await client.query('SELECT');
      expect(await restore('--no-owner')).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(
          new RegExp(
            `may not end the sessions of ${owner} in that database — end them, or GRANT pg_signal_backend TO "${role}"`,
          ),
        ),
      });
    });
    const isRefused = async (why: string, remedy: string) => {
      for (const how of ['--quiet', '--dry-run']) {
        const { status, stderr } = await restore(how);
        expect(status).toBe(1);
        expect(stderr).toContain(`belongs to the role "${owner}", but this role ${why}`);
        expect(stderr).toMatch(new RegExp(` — (${remedy}|GRANT .* SET TRUE), or give --no-owner`));
      }
    };
    await isRefused('is not a member of it', `GRANT "${owner}" TO "${role}"`);
    await bed.database.query(`ALTER ROLE ${role} NOINHERIT`);
    await isRefused('is not a member of it', `GRANT "${owner}" TO "${role}"; ALTER ROLE "${role}" INHERIT`);
    await bed.database.query(`GRANT ${owner} TO ${role}`);
    await isRefused('does not inherit its rights', `ALTER ROLE "${role}" INHERIT`);
    expect(await bed.databases()).toEqual([name]);
  } finally {
    await bed.database.query(
      `ALTER DATABASE ${name} OWNER TO CURRENT_USER; DROP ROLE ${role}; DROP ROLE ${owner}`,
    );
  }
});

test('a role that is not given the rights of those that it is a member of is told what gives it them', async () => {
  const { name } = bed.database;
  const [role, owner] = [`${name}_apart`, `${name}_application`];
  await bed.database.query(`
    CREATE ROLE ${role} LOGIN CREATEDB NOINHERIT PASSWORD 'x'; CREATE ROLE ${owner} LOGIN PASSWORD 'x';
    GRANT pg_signal_backend TO ${role}; ALTER DATABASE ${name} OWNER TO ${role}`);
  const as = (user: string) => ({ POSTGRES_USER: user, POSTGRES_PASSWORD: 'x' });
  const restore = () => bed.run(['restore', '--latest', '--dry-run', '--no-owner'], as(role));
  try {
    expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
    await withClient({ ...bed.env, ...as(owner) }, name, async (client) => {
      await client.query('SELECT');
      const { status, stderr } = await restore();
      expect(status).toBe(1);
      const since16 = inject('postgresMajor') >= 16;
      const remedy = since16
        ? `GRANT pg_signal_backend TO "${role}" WITH INHERIT TRUE`
        : `ALTER ROLE "${role}" INHERIT`;
      expect(stderr).toContain(
        `may not end the sessions of ${owner} in that database — end them, or ${remedy}, which does not cover`,
      );
      await bed.database.query(remedy);
      expect(await restore()).toMatchObject({ status: 0 });
    });
  } finally {
    await bed.database.query(
      `ALTER DATABASE ${name} OWNER TO CURRENT_USER; DROP ROLE ${role}; DROP ROLE ${owner}`,
    );
  }
});

test('--in-place is refused at once where a subscription would keep the database from being dropped', async () => {
  const { name } = bed.database;
  await bed.database.query(
    `CREATE SUBSCRIPTION "${name}" CONNECTION '' PUBLICATION x WITH (connect = false, slot_name = NONE)`,
  );
  try {
    const refused = await bed.run(['restore', await asFile('dump.sql', dumps.sql), '--in-place', '--yes']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      new RegExp(
        `^(?![^]*restoring)[^]*\\(${name}\\), which keep it from being dropped — run in it: ALTER SUBSCRIPTION "${name}" DISABLE; ALTER SUBSCRIPTION "${name}" SET \\(slot_name = NONE\\); DROP SUBSCRIPTION "${name}";`,
      ),
    );
    expect(await bed.databases()).toEqual([name]);
  } finally {
    await bed.database.query(`DROP SUBSCRIPTION "${name}"`);
  }
});

test('the maintenance database is not restored over a connection to itself', async () => {
  const env = { POSTGRES_MAINTENANCE_DB: bed.database.name };
  const file = await asFile('dump.sql', dumps.sql);
  for (const how of ['--yes', '--dry-run']) {
    const refused = await bed.run(['restore', file, how], env);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /POSTGRES_MAINTENANCE_DB names the same database — set POSTGRES_MAINTENANCE_DB/,
    );
  }
});

test('when --in-place fails before the drop, it says that the database is as it was', async () => {
  const cut = await asFile('cut.sql', dumps.sql.subarray(0, dumps.sql.length / 2));
  const failed = await bed.run(['restore', cut, '--in-place', '--yes']);
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(
    new RegExp(`INFO: database ${bed.database.name} is unchanged\n.*cannot read the dump`),
  );
  expect(await bed.databases()).toEqual([bed.database.name]);
});

test.each([
  ['CREATE TABLE public.users_user (', 'CREATE TABEL public.users_user (', /users_user: syntax error/],
  [
    'CREATE TABLE public.users_user (',
    'CREATE EXTENSION nowhere; $&',
    /extension "nowhere" is not available/,
  ],
  ['CREATE TABLE public.users_user (', 'SET ROLE nobody_here; $&', /role "nobody_here" does not exist/],
  [
    'users_user_pkey PRIMARY KEY',
    'users_user_pkey PRIMARY KAY',
    /CONSTRAINT public\.users_user users_user_pkey: syntax error/,
  ],
])('--in-place drops nothing for a schema that cannot be restored: %s as %s', async (from, to, message) => {
  const file = await asFile('unfit.sql', Buffer.from(dumps.sql.toString().replace(from, to)));
  const failed = await bed.run(['restore', file, '--in-place', '--yes']);
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(message);
  expect(failed.stderr).toContain(`database ${bed.database.name} is unchanged`);
  expect(await bed.databases()).toEqual([bed.database.name]);
  expect(await bed.database.query(`SELECT to_regclass('damage') IS NOT NULL AS yes`)).toEqual([
    { yes: true },
  ]);
});

test('when --in-place fails after the drop, it says that the database is gone, and what there is', async () => {
  const unfit = dumps.sql.toString().replace(/(\nCOPY public\.manager_surface_tags .*\n)/, '$1no number');
  const file = await asFile('unfit.sql', Buffer.from(unfit));
  const failed = await bed.run(['restore', file, '--in-place', '--yes', '--quiet']);
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(
    /ERROR: database \S+ had already been dropped, as --in-place requires; all but what .*, and lacks rows: .*manager_surface_tags \(0 of [\d,]+\) — .*\n.*manager_surface_tags: invalid input syntax/,
  );
  const [, left = ''] = /all but what the server refused is in database (\S+),/.exec(failed.stderr) ?? [];
  expect(await bed.databases()).toEqual([left]);
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP DATABASE ${left}`));

  const mended = await bed.run(['restore', await asFile('dump.sql', dumps.sql)]);
  expect(mended).toMatchObject({ status: 0 });
  await isRestored();
});

test('a database that does not exist is created, and nobody need be asked', async () => {
  const POSTGRES_DB = `${bed.database.name}_new`;
  const file = await asFile('dump.sql', dumps.sql);
  expect((await bed.run(['restore', file, '--dry-run'], { POSTGRES_DB })).stdout).toMatch(
    /^would restore .* into a new database \S+_new on /,
  );
  expect(await bed.run(['restore', file], { POSTGRES_DB })).toMatchObject({ status: 0 });
  await isRestored(POSTGRES_DB);
  expect(await bed.databases()).toEqual([bed.database.name, POSTGRES_DB]);
});

test.each([
  ['', 'in place of database'],
  ['--in-place', 'DROP database'],
  ['--drop-old', 'and drop the old one'],
])('without a terminal nothing is replaced unless --yes is given (%s)', async (flag, intent) => {
  const args = ['restore', await asFile('dump.sql', dumps.sql), ...(flag === '' ? [] : [flag])];
  const asked = await bed.run(args, {}, { input: 'y\n' });
  expect(asked).toMatchObject({ status: 2, stdout: '' });
  expect(asked.stderr).toContain(intent);
  expect(asked.stderr).toMatch(/: cannot ask for confirmation without a terminal — give --yes\n$/);
  expect(await bed.run([...args, '--dry-run', '--yes'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(intent),
  });
  expect(await bed.databases()).toEqual([bed.database.name]);
  expect(await bed.database.query(`SELECT to_regclass('damage') IS NOT NULL AS yes`)).toEqual([
    { yes: true },
  ]);
});

test('--into never replaces anything', async () => {
  const file = await asFile('dump.sql', dumps.sql);
  for (const how of ['--yes', '--dry-run']) {
    const taken = await bed.run(['restore', file, '--into', bed.database.name, how]);
    expect(taken).toMatchObject({ status: 1, stdout: '' });
    expect(taken.stderr).toMatch(/: a database of that name exists — give --into an unused name\n$/);
  }
  expect(await bed.databases()).toEqual([bed.database.name]);
});

// Later servers accept no such name of a database.
test.runIf(inject('postgresMajor') < 19)(
  'a line feed in names neither adds lines to what is told, nor do letters change its order',
  async () => {
    const name = `${bed.database.name}_a\nb\u202ec`;
    const shown = `${bed.database.name}_a\\x0ab\\u202ec`;
    const run = (...args: string[]) => bed.run(args, { POSTGRES_DB: name, S3_PREFIX: 'named/' });
    await admin(`CREATE DATABASE "${name}"`);
    await withClient(bed.env, name, (client) => client.query('CREATE TABLE "t\nu" (); CREATE TABLE v ()'));
    expect(await run('backup')).toMatchObject({ status: 0 });
    expect((await run('show', 'latest')).stdout).toContain(`\ndatabase    ${shown}, owner `);
    const planned = await run('restore', '--latest', '--dry-run', '--no-audit');
    expect(planned.stdout).toMatch(/^would .*\n$/);
    expect(planned.stdout).toContain(` ${shown} `);
    const restored = await run('restore', '--latest', '--yes', '--no-audit');
    expect(restored.stdout.split('\n')).toEqual([
      expect.stringContaining(` into database ${shown}: `),
      expect.stringContaining(`kept as ${shown}_before_restore_`),
      '',
    ]);
    const rows = await run('restore', '--latest', '--table', '"t\nu"', '--into', `${name}_look`, '--yes');
    expect(rows.stdout).toMatch(/^restored public\."t\\x0au" .*\n$/);
    const fetched = await run('fetch', 'latest', bed.directory, '--table', '"t\nu"');
    expect(fetched.stdout).toMatch(/: public\."t\\x0au", .*\n$/);
  },
);
