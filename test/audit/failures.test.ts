import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { type AuditBed, createAuditBed } from './audit-bed.ts';

const NAMED = { AUDIT_REFERENCES: '[{"column": "files.key"}]' };
let bed: AuditBed;

beforeEach(async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TYPE region AS ENUM ('eu', 'us');
     CREATE TABLE files (id int PRIMARY KEY, key text, day date, shown boolean, fixed char(9), host inet,
       price money, kind regclass, at timestamptz, place region, keys text[], written timestamptz[]);
     CREATE TABLE loose (key text);
     CREATE VIEW seen AS SELECT * FROM files;
     INSERT INTO files SELECT n, 'key' || n FROM generate_series(1, 3) n`,
  );
  await bed.put('media/key1');
  await bed.put('media/orphan');
});

afterEach(() => bed.close());

/** The tool's sessions that the server still has. */
async function sessions(): Promise<number> {
  const rows = await bed.database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'topobank-backup'`,
  );
  return rows[0]!.n;
}

/** Sessions end a moment after the program that had them. */
async function untilNoSession(): Promise<void> {
  await expect.poll(sessions, { timeout: 60_000 }).toBe(0);
}

test('a database of no known era', async () => {
  const { status, stdout, stderr } = await bed.audit(['--json']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(
    /no known era of TopoBank \(looked for manager_topography, .*files_manifest\) — check POSTGRES_DB, or .*AUDIT_REFERENCES/,
  );
});

test.each([
  ['[{"column": "nowhere.key"}]', /there is no table nowhere/],
  ['[{"column": "seen.key"}]', /seen is a view/],
  ['[{"column": "files.path"}]', /table files has no column path/],
  ['[{"column": "files.day"}]', /column day of table files does not hold text/],
  ['[{"column": "files.keys"}]', /column keys of table files does not hold text/],
  ['[{"column": "files.key", "written": "written"}]', /column written of table files does not hold a time/],
  ['[{"column": "files.key", "written": "key"}]', /column key of table files does not hold a time/],
  ['[{"column": "loose.key"}]', /table loose has no primary key/],
  ['[{"table": "files", "owns": "x/{slug}/"}]', /table files has no column slug/],
  [
    '[{"column": "files.fixed"}]',
    /column fixed of table files is of type character\(9\), whose values a dump/,
  ],
  ['[{"table": "files", "owns": "x/{shown}/"}]', /column shown of table files is of type boolean, /],
  ['[{"table": "files", "owns": "x/{host}/"}]', /column host of table files is of type inet, /],
  ['[{"table": "files", "owns": "x/{price}/"}]', /column price of table files is of type money, /],
  ['[{"table": "files", "owns": "x/{kind}/"}]', /column kind of table files is of type regclass, /],
  [
    '[{"table": "files", "owns": "x/{at}/"}]',
    /column at of table files is of type timestamp with time zone, /,
  ],
  ['[{"column": "key"}]', /cannot use AUDIT_REFERENCES \(--references\): entry 1, column/],
])('AUDIT_REFERENCES=%s', async (references, message) => {
  const { status, stderr } = await bed.audit([], { AUDIT_REFERENCES: references });
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(message) });
});

test.each([
  [['--grace', '1 day'], /--grace: "1 day" is not accepted, expected an age such as/],
  [['--grace', '999999999d'], /--grace: "999999999d" is not accepted, expected an age .*, at most 36500d/],
  [['--ndjson', '/nowhere/x.ndjson'], /cannot write \/nowhere\/x\.ndjson: ENOENT/],
  [['--csv', '/'], /cannot write \/: it is a directory — /],
  [['--csv', '-'], /findings are not written to stdout as --ndjson or --csv — give a file, or use --json/],
  [['--ndjson', '-'], /findings are not written to stdout/],
  [['--csv', '/tmp/x', '--ndjson', '/tmp/./x'], /--ndjson and --csv name the same file, \/tmp\/x/],
])('%j', async (args, message) => {
  const { status, stderr } = await bed.audit(args, NAMED);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(message) });
});

test('a type of the application’s is none of the server’s that a dump spells otherwise', async () => {
  const owned = { AUDIT_REFERENCES: '[{"table": "files", "owns": "albums/{place}/"}]' };
  expect(await bed.report([], owned)).toMatchObject({ unreadTables: [] });
});

test('a table that the role may not read', async () => {
  const role = `${bed.database.name}_reader`;
  await bed.database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'`);
  try {
    const { status, stdout, stderr } = await bed.audit(['--json'], {
      ...NAMED,
      POSTGRES_USER: role,
      POSTGRES_PASSWORD: 'reader',
    });
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /: this role may not read table files — GRANT SELECT ON "public"."files" TO it/,
      ),
    });
  } finally {
    await bed.database.query(`DROP ROLE ${role}`);
  }
});

test('rows that row-level security hides from the role', async () => {
  const role = `${bed.database.name}_reader`;
  await bed.database.query(`
    CREATE ROLE ${role} LOGIN PASSWORD 'reader' IN ROLE pg_read_all_data;
    ALTER TABLE files ENABLE ROW LEVEL SECURITY`);
  const reader = { ...NAMED, POSTGRES_USER: role, POSTGRES_PASSWORD: 'reader' };
  try {
    expect(await bed.audit(['--json'], reader)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /cannot audit database .*: query would be affected by row-level security policy for table "files" — use the owner of the table, or a role with BYPASSRLS/,
      ),
    });
    await bed.database.query(
      `ALTER TABLE files FORCE ROW LEVEL SECURITY; ALTER TABLE files OWNER TO ${role}`,
    );
    expect((await bed.audit(['--json'], reader)).stderr).toMatch(
      /row-level security policy for table "files" — ALTER TABLE … NO FORCE ROW LEVEL SECURITY, or use a role with BYPASSRLS/,
    );
  } finally {
    await bed.database.query(`ALTER TABLE files OWNER TO CURRENT_USER; DROP ROLE ${role}`);
  }
});

test('a column of a domain over text is one of text', async () => {
  await bed.database.query(
    'DROP VIEW seen; CREATE DOMAIN file_path AS varchar(80); ALTER TABLE files ALTER key TYPE file_path',
  );
  expect((await bed.report([], NAMED)).references).toBe(3);
});

test('a bucket that is not there, and a key without the right to list', async () => {
  const missing = await bed.audit([], { ...NAMED, AWS_STORAGE_BUCKET_NAME: 'nowhere' });
  expect(missing).toMatchObject({ status: 1, stderr: expect.stringContaining('404 NoSuchBucket') });
  bed.server.faults.push({
    operation: 'ListObjectsV2',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const denied = await bed.audit([], NAMED);
  expect(denied).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/cannot list .* 403 AccessDenied .*s3:ListBucket/),
  });
  await untilNoSession();
});

test('a database without any row that owns an object is told, for it is most likely another one', async () => {
  await bed.database.query('DELETE FROM files');
  const { status, stderr } = await bed.audit([], NAMED);
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: expect.stringMatching(/no row of database \S+ owns any object: check POSTGRES_DB/),
  });
});

test('a media prefix without an object is told, for it is most likely wrong', async () => {
  const { status, stderr } = await bed.audit([], { ...NAMED, AWS_MEDIA_PREFIX: 'medium' });
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: expect.stringMatching(/no object under medium\/: check AWS_MEDIA_PREFIX/),
  });
});

test('files of an audit that fails half-way do not appear, and the old ones stay', async () => {
  const path = join(bed.directory, 'findings.csv');
  expect(await bed.audit(['--csv', path], NAMED)).toMatchObject({ status: 3 });
  const before = readdirSync(bed.directory);
  bed.server.faults.push({
    operation: 'ListObjectsV2',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const other = join(bed.directory, 'findings.ndjson');
  expect(await bed.audit(['--csv', path, '--ndjson', other], NAMED)).toMatchObject({ status: 1 });
  expect(readdirSync(bed.directory)).toEqual(before);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends the audit and all that it began', async (name) => {
  const stop: { child?: { kill(signal: NodeJS.Signals): void } } = {};
  bed.server.faults.push({
    operation: 'ListObjectsV2',
    what: { kind: 'hold', until: new Promise(() => {}), onHeld: () => stop.child?.kill(name) },
  });
  const before = readdirSync(bed.directory);
  const result = await bed.audit(['--ndjson', join(bed.directory, 'x.ndjson')], NAMED, {
    onSpawn: (child) => {
      stop.child = child;
    },
  });
  expect(result).toMatchObject({ status: name === 'SIGTERM' ? 143 : 130, stdout: '' });
  expect(readdirSync(bed.directory)).toEqual(before);
  await untilNoSession();
});

test('a lost connection to the database is an error, not a finding', async () => {
  bed.server.faults.push({
    operation: 'ListObjectsV2',
    times: 1,
    what: {
      kind: 'hold',
      until: new Promise<void>((resolve) => {
        onListing = resolve;
      }),
      onHeld: () => {
        void bed.database
          .query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'topobank-backup'`,
          )
          .then(() => onListing());
      },
    },
  });
  const { status, stderr } = await bed.audit([], NAMED);
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/cannot audit database/) });
});

let onListing = () => {};
