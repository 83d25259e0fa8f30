import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { examineDatabase } from '../../src/doctor/database-checks.ts';
import { examineStore } from '../../src/doctor/store-checks.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { listDatabaseNames, withClient } from '../support/database.ts';
import { keepVersions } from '../support/keep-versions.ts';
import { startPostgres } from '../support/postgres-server.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const CONTENTS = ['TABLE one', 'TABLE two', 'SCHEMA closed', 'TABLE closed.three'];

const signal = new AbortController().signal;
let bed: TestBed;
/** A role that owns the database and what is in it, and may create others and read everything; and as SQL spells it. */
let role: string;
let quoted: string;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(
    'CREATE TABLE one (); CREATE TABLE two (); CREATE SCHEMA closed; CREATE TABLE closed.three ()',
  );
  role = `${bed.database.name}_"role"`;
  quoted = pg.escapeIdentifier(role);
  await admin((client) => client.query(`CREATE ROLE ${quoted} LOGIN PASSWORD 'x'`));
  for (const object of CONTENTS) await bed.database.query(`ALTER ${object} OWNER TO ${quoted}`);
});

beforeEach(async () => {
  await admin((client) =>
    client.query(
      `ALTER ROLE ${quoted} CREATEDB; ALTER DATABASE "${bed.database.name}" OWNER TO ${quoted}; GRANT ${PREDEFINED} TO ${quoted}`,
    ),
  );
});

afterEach(() => {
  bed.server.faults.length = 0;
});

afterAll(async () => {
  for (const object of CONTENTS) await bed.database.query(`ALTER ${object} OWNER TO CURRENT_USER`);
  await bed.database.query(`DROP OWNED BY ${quoted}`);
  await admin((client) =>
    client.query(`ALTER DATABASE "${bed.database.name}" OWNER TO CURRENT_USER; DROP ROLE ${quoted}`),
  );
  await bed.close();
});

const PREFIXES = { prefix: 'backup/', mediaPrefix: 'media/' };

const admin = <T>(work: (client: pg.Client) => Promise<T>) => withClient(bed.env, 'postgres', work);

const asRole = () => ({ POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });

/** What the doctor finds, as the role. */
async function examine(env: Readonly<Record<string, string>> = {}): Promise<DoctorFinding[]> {
  const config = readConfig({ env: { ...bed.env, ...asRole(), ...env }, flags: {} }, [
    'database',
    'store',
    'media',
    'tools',
  ]);
  const { binDir, mediaManifest } = config;
  const options = { binDir, mediaManifest, env: process.env, now: () => new Date(), signal };
  const store = openStore(config);
  try {
    const findings = await examineDatabase(openDatabase(config, {}), options);
    return [...findings, ...(await examineStore(store, config, options))];
  } finally {
    store.close();
  }
}

const unwell = (findings: readonly DoctorFinding[]) => findings.filter(({ state }) => state !== 'ok');

test('where nothing is missing it says so, and leaves nothing of its probes', async () => {
  const text = await bed.run(['doctor'], asRole());
  expect(text).toMatchObject({ status: 0, stderr: '' });
  expect(text.stdout).toMatch(/^CHECK +STATE +FOUND\n/);
  expect(text.stdout).toMatch(/\n\neverything that backups and restores need is in place\n$/);
  const findings = await examine();
  expect(unwell(findings)).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual([
    'database: connect',
    'database: pg_dump',
    'database: read all',
    'database: restore',
    'database: owners',
    'database: rename',
    'database: sessions',
    'database: prepared',
    'database: connections',
    'database: standby',
    'database: clock',
    'database: maintenance',
    'database: pooler',
    'database: create',
    'database: left over',
    's3: list',
    's3: write',
    's3: overwrite guard',
    's3: read',
    's3: clock',
    's3: multipart',
    's3: list uploads',
    's3: delete',
    's3: list media',
    's3: versions',
  ]);
  expect(await bed.keys()).toEqual([]);
  expect(await bed.pendingUploads()).toEqual([]);
  expect((await listDatabaseNames(bed.env)).filter((name) => name.includes('doctor'))).toEqual([]);
});

/** Reading everything is a predefined role's right since PostgreSQL 14. */
const MAY_READ_ALL = inject('postgresMajor') >= 14;
const PREDEFINED = MAY_READ_ALL ? 'pg_read_all_data, pg_signal_backend' : 'pg_signal_backend';
const REVOKE_READING = MAY_READ_ALL ? ['REVOKE pg_read_all_data FROM <role>'] : [];
const GRANT_READING = MAY_READ_ALL
  ? 'GRANT pg_read_all_data TO <role>'
  : 'GRANT USAGE ON SCHEMA … TO <role>; GRANT SELECT ON ALL TABLES IN SCHEMA … TO <role>; GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO <role>';

interface Ill {
  readonly about: string;
  readonly sql?: readonly string[];
  readonly undo?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly faults?: readonly Fault[];
  readonly found: readonly Partial<Record<keyof DoctorFinding, unknown>>[];
}

/** What is found besides where a superuser has created something. */
const OF_A_SUPERUSER = {
  check: 'database: owners',
  detail: expect.stringMatching(
    /^some of its objects belong to the role ".*", and this role is not a member of it, so a restore cannot give them back$/,
  ),
  remedy: 'restore as a superuser (POSTGRES_USER), or with --no-owner',
};

const ILL: readonly Ill[] = [
  {
    about: 'a role that may create no database',
    sql: ['ALTER ROLE <role> NOCREATEDB'],
    found: [{ check: 'database: create', remedy: 'ALTER ROLE <role> CREATEDB' }],
  },
  {
    about: 'a role that does not own the database',
    sql: ['ALTER DATABASE <name> OWNER TO CURRENT_USER'],
    found: [{ check: 'database: rename', remedy: 'ALTER DATABASE <name> OWNER TO <role>' }],
  },
  {
    about: 'tables that the role may not read',
    sql: [
      ...REVOKE_READING,
      'ALTER TABLE two OWNER TO CURRENT_USER',
      'ALTER SCHEMA closed OWNER TO CURRENT_USER',
    ],
    undo: ['ALTER TABLE two OWNER TO <role>', 'ALTER SCHEMA closed OWNER TO <role>'],
    found: [
      {
        check: 'database: read all',
        detail: 'closed.three, public.two cannot be read',
        remedy: `${GRANT_READING}, or use the owner`,
      },
      OF_A_SUPERUSER,
    ],
  },
  {
    about: 'a table of an extension that the role may not read, and that backups contain',
    sql: [
      'CREATE EXTENSION pg_trgm',
      'CREATE TABLE configured ()',
      'CREATE TABLE other ()',
      'ALTER EXTENSION pg_trgm ADD TABLE configured',
      'ALTER EXTENSION pg_trgm ADD TABLE other',
      // What an extension's script does by pg_extension_config_dump.
      `UPDATE pg_extension SET extconfig = ARRAY['configured'::regclass::oid], extcondition = ARRAY['']
       WHERE extname = 'pg_trgm'`,
      ...REVOKE_READING,
    ],
    undo: ['DROP EXTENSION pg_trgm'],
    found: [
      {
        check: 'database: read all',
        detail: 'public.configured cannot be read',
        remedy: `${GRANT_READING}, or use the owner`,
      },
    ],
  },
  {
    about: 'user mappings whose options the role may not see',
    sql: [
      'CREATE EXTENSION postgres_fdw',
      'CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw',
      'GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO <role>',
      'ALTER SERVER far OWNER TO <role>',
      `CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (password 'x')`,
      `CREATE USER MAPPING FOR <role> SERVER far OPTIONS (password 'y')`,
    ],
    undo: ['DROP EXTENSION postgres_fdw CASCADE'],
    found: [
      {
        check: 'database: read all',
        state: 'warning',
        detail:
          'backups lack any options of the user mappings for server far, because the role is not a superuser',
        remedy: 'use a superuser (POSTGRES_USER), or keep the statements that create them at hand',
      },
      { check: 'database: restore', state: 'warning' },
    ],
  },
  {
    about: 'a table whose rows are hidden from the role',
    sql: [
      'ALTER TABLE one OWNER TO CURRENT_USER',
      'GRANT SELECT ON one TO <role>',
      'ALTER TABLE one ENABLE ROW LEVEL SECURITY',
    ],
    undo: ['ALTER TABLE one DISABLE ROW LEVEL SECURITY', 'ALTER TABLE one OWNER TO <role>'],
    found: [
      {
        check: 'database: read all',
        detail: 'row-level security hides rows of public.one',
        remedy: 'ALTER ROLE <role> BYPASSRLS, or use the owner',
      },
      OF_A_SUPERUSER,
    ],
  },
  {
    about: 'a table whose rows are hidden from its owner, too',
    sql: ['ALTER TABLE one ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'],
    undo: ['ALTER TABLE one DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY'],
    found: [
      {
        check: 'database: read all',
        detail: 'row-level security hides rows of public.one',
        remedy:
          'ALTER ROLE <role> BYPASSRLS, or for the owner: ALTER TABLE public.one NO FORCE ROW LEVEL SECURITY',
      },
    ],
  },
  {
    about: 'a large object that the role may not read',
    sql: ['SELECT lo_create(4242)'],
    undo: ['SELECT lo_unlink(4242)'],
    found: [
      {
        check: 'database: read all',
        detail: 'large object 4242 cannot be read',
        remedy: 'have their owners GRANT SELECT ON LARGE OBJECT … TO <role>, or use a superuser',
      },
      OF_A_SUPERUSER,
    ],
  },
  {
    about: 'a large object that everybody may read, and one that the role owns',
    sql: [
      'SELECT lo_create(4242)',
      'GRANT SELECT ON LARGE OBJECT 4242 TO PUBLIC',
      'SELECT lo_create(4243)',
      'ALTER LARGE OBJECT 4243 OWNER TO <role>',
    ],
    undo: ['SELECT lo_unlink(4242), lo_unlink(4243)'],
    found: [OF_A_SUPERUSER],
  },
  {
    about: 'what only a superuser can restore',
    sql: [
      'CREATE PUBLICATION everything FOR ALL TABLES',
      'CREATE PUBLICATION one_table FOR TABLE one',
      'CREATE EXTENSION pageinspect',
      'CREATE EXTENSION pg_trgm',
      `CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'`,
      'CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION noted()',
      `CREATE FUNCTION raw(int) RETURNS int LANGUAGE internal AS 'int4abs'`,
    ],
    undo: [
      'DROP EVENT TRIGGER watch',
      'DROP FUNCTION noted(), raw(int)',
      'DROP EXTENSION pageinspect, pg_trgm',
      'DROP PUBLICATION everything, one_table',
    ],
    found: [
      {
        check: 'database: restore',
        state: 'warning',
        detail:
          'only a superuser can restore event trigger watch, extension pageinspect, function raw(integer) and 1 more',
      },
      OF_A_SUPERUSER,
    ],
  },
  {
    about: 'a role that may not end the application’s sessions',
    sql: ['REVOKE pg_signal_backend FROM <role>'],
    found: [
      {
        check: 'database: sessions',
        state: 'warning',
        remedy: 'GRANT pg_signal_backend TO <role>, or stop the application before a restore',
      },
    ],
  },
  {
    about: 'a role that may have fewer connections than a backup takes',
    sql: ['ALTER ROLE <role> CONNECTION LIMIT 3'],
    undo: ['ALTER ROLE <role> CONNECTION LIMIT -1'],
    found: [
      {
        check: 'database: connections',
        detail: 'the role may have 3 connections at once, but a backup needs 4, or 3 with MEDIA_MANIFEST=off',
        remedy: expect.stringMatching(/^ALTER ROLE .* CONNECTION LIMIT [4-6] or more, or -1 for no limit$/),
      },
    ],
  },
  {
    about: 'a database that takes far fewer connections than a backup',
    sql: ['ALTER DATABASE <name> CONNECTION LIMIT 1'],
    undo: ['ALTER DATABASE <name> CONNECTION LIMIT -1'],
    found: [
      {
        check: 'database: connections',
        detail:
          'the database may have 1 connection at once, but a backup needs 3, or 2 with MEDIA_MANIFEST=off',
        remedy: expect.stringMatching(
          /^ALTER DATABASE .* CONNECTION LIMIT [345] or more, or -1 for no limit$/,
        ),
      },
    ],
  },
  {
    about: 'a prepared transaction that nobody has ended',
    sql: [`BEGIN; LOCK TABLE one IN ACCESS SHARE MODE; PREPARE TRANSACTION 'left''s behind'`],
    undo: [`ROLLBACK PREPARED 'left''s behind'`],
    found: [
      {
        check: 'database: prepared',
        state: 'warning',
        detail: expect.stringMatching(
          /^prepared transactions keep it from .* \(left's behind, since \d{4}-.* UTC\)$/,
        ),
        remedy: expect.stringMatching(/^run in it: ROLLBACK PREPARED 'left''s behind';, or COMMIT PREPARED /),
      },
    ],
  },
  {
    about: 'a wrong password',
    env: { POSTGRES_PASSWORD: 'wrong' },
    found: [{ check: 'database: connect', remedy: 'check POSTGRES_USER and POSTGRES_PASSWORD' }],
  },
  {
    about: 'a database that does not exist',
    env: { POSTGRES_DB: 'nowhere' },
    found: [
      {
        check: 'database: connect',
        detail: 'database "nowhere" does not exist',
        remedy:
          'check POSTGRES_DB; if the database is gone, bring it back with `topobank-backup restore --latest`',
      },
    ],
  },
  {
    about: 'a wrong secret key',
    env: { AWS_SECRET_ACCESS_KEY: 'wrong' },
    found: [
      {
        check: 's3: list',
        detail: '403 SignatureDoesNotMatch',
        remedy: 'check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID',
      },
    ],
  },
  {
    about: 'a bucket that does not exist',
    env: { AWS_STORAGE_BUCKET_NAME: 'nowhere' },
    found: [
      {
        check: 's3: list',
        detail: expect.stringMatching(/^bucket nowhere does not exist on http/),
        remedy: expect.stringMatching(/^check AWS_STORAGE_BUCKET_NAME; /),
      },
    ],
  },
  {
    about: 'a key that may not write',
    faults: [{ operation: 'PutObject', what: { kind: 'error', status: 403, code: 'AccessDenied' } }],
    found: [
      {
        check: 's3: write',
        detail: '403 AccessDenied',
        remedy: expect.stringMatching(/the key needs s3:PutObject on backup\/\*$/),
      },
    ],
  },
  {
    about: 'a key that may not delete',
    faults: [
      { operation: 'DeleteObjects', times: 1, what: { kind: 'error', status: 403, code: 'AccessDenied' } },
    ],
    found: [
      { check: 's3: delete', detail: '403 AccessDenied', remedy: expect.stringContaining('s3:DeleteObject') },
    ],
  },
  {
    about: 'a server without multipart uploads',
    faults: [
      { operation: 'CreateMultipartUpload', what: { kind: 'error', status: 501, code: 'NotImplemented' } },
    ],
    found: [
      { check: 's3: multipart', detail: '501 NotImplemented' },
      { check: 's3: list uploads', state: 'warning' },
    ],
  },
  {
    about: 'a server that refuses a part',
    faults: [
      { operation: 'UploadPart', times: 1, what: { kind: 'error', status: 400, code: 'InvalidRequest' } },
    ],
    found: [{ check: 's3: multipart', detail: '400 InvalidRequest' }],
  },
  {
    about: 'a key that may not list uploads',
    faults: [
      { operation: 'ListMultipartUploads', what: { kind: 'error', status: 403, code: 'AccessDenied' } },
    ],
    found: [{ check: 's3: list uploads', state: 'warning', detail: '403 AccessDenied' }],
  },
  {
    about: 'a key that may list backups, but no media',
    faults: [
      {
        operation: 'ListObjectsV2',
        after: 1,
        what: { kind: 'error', status: 403, code: 'AccessDenied' },
      },
    ],
    found: [
      {
        check: 's3: list media',
        state: 'warning',
        detail: '403 AccessDenied, so backups have no list of their media, and media cannot be audited',
        remedy: expect.stringContaining('s3:ListBucket'),
      },
    ],
  },
  {
    about: 'a key that may not ask for versions',
    faults: [
      { operation: 'GetBucketVersioning', what: { kind: 'error', status: 403, code: 'AccessDenied' } },
    ],
    found: [
      {
        check: 's3: versions',
        state: 'warning',
        detail: expect.stringContaining('the server does not say whether the bucket keeps versions'),
        remedy: expect.stringContaining('s3:GetBucketVersioning'),
      },
    ],
  },
  {
    about: 'a key that may not abort uploads',
    faults: [
      {
        operation: 'AbortMultipartUpload',
        times: 1,
        what: { kind: 'error', status: 403, code: 'AccessDenied' },
      },
    ],
    found: [{ check: 's3: multipart', remedy: expect.stringContaining('s3:AbortMultipartUpload') }],
  },
];

test.each(ILL)('$about is found, with a remedy, and nothing else is', async (ill) => {
  const names = (text: string) =>
    text.replaceAll('<role>', quoted).replaceAll('<name>', `"${bed.database.name}"`);
  for (const sql of ill.sql ?? []) await bed.database.query(names(sql));
  bed.server.faults.push(...(ill.faults ?? []));
  const findings = await examine(ill.env);
  for (const sql of ill.undo ?? []) await bed.database.query(names(sql));
  const expected = ill.found.map((found) => ({
    state: 'fault',
    ...Object.fromEntries(
      Object.entries(found).map(([key, value]) => [key, typeof value === 'string' ? names(value) : value]),
    ),
  }));
  expect(unwell(findings)).toMatchObject(expected);
  expect(unwell(findings)).toHaveLength(expected.length);
  bed.server.faults.length = 0;
  expect(await bed.keys()).toEqual([]);
  expect(await bed.pendingUploads()).toEqual([]);
});

const GIVEN: readonly [what: string, grant: string, since: number, why: string, noOwner: 'ok' | 'refused'][] =
  [
    ['is no member of', '', 10, 'is not a member of it', 'refused'],
    [
      'does not inherit from',
      'GRANT <owner> TO <role> WITH INHERIT FALSE',
      16,
      'does not inherit its rights',
      'refused',
    ],
    ['may not become', 'GRANT <owner> TO <role> WITH SET FALSE', 16, 'may not SET ROLE to it', 'ok'],
    [
      'may only grant',
      'GRANT <owner> TO <role> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
      16,
      'may neither SET ROLE to it nor use its rights',
      'refused',
    ],
  ];

test.each(GIVEN.filter(([, , since]) => inject('postgresMajor') >= since))(
  'where the role %s the database’s owner, it says what a restore would, and the remedy helps both',
  async (_, grant, __, why, noOwner) => {
    const { name } = bed.database;
    const owner = `${name}_owner`;
    const restore = (...more: string[]) =>
      bed.run(['restore', '--latest', '--dry-run', '--no-audit', ...more], asRole());
    await admin((client) => client.query(`CREATE ROLE ${owner}; ALTER DATABASE "${name}" OWNER TO ${owner}`));
    await bed.database.query(grant.replace('<owner>', owner).replace('<role>', quoted));
    try {
      expect(await bed.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
      const found = unwell(await examine());
      expect(found).toMatchObject([
        { check: 'database: rename', state: 'fault', detail: expect.stringContaining(`this role ${why}`) },
      ]);
      const since16 = inject('postgresMajor') >= 16;
      const remedy = `GRANT "${owner}" TO ${quoted}${since16 ? ' WITH INHERIT TRUE, SET TRUE' : ''}`;
      expect(found[0]?.remedy?.replace(', or restore with --no-owner', '')).toBe(remedy);
      const refused = await restore();
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(` — ${remedy}, or `) });
      expect(refused.stderr).toContain(`this role ${why}`);
      expect(await restore('--no-owner')).toMatchObject({ status: noOwner === 'ok' ? 0 : 1 });

      await cure(found);
      expect(unwell(await examine())).toEqual([]);
      expect(await restore()).toMatchObject({ status: 0 });
    } finally {
      await admin((client) =>
        client.query(`ALTER DATABASE "${name}" OWNER TO CURRENT_USER; DROP ROLE ${owner}`),
      );
      await bed.store.remove(await bed.keys(), signal);
    }
  },
);

test('where objects have owners that the role cannot act for, the remedy makes a restore work', async () => {
  const { name } = bed.database;
  const [sales, lab] = [`${name}_sales`, `${name}_"lab"`];
  const restore = () =>
    bed.run(['restore', '--latest', '--into', `${name}_into`, '--no-audit', '--quiet'], asRole());
  await admin((client) => client.query(`CREATE ROLE "${sales}"; CREATE ROLE ${pg.escapeIdentifier(lab)}`));
  await bed.database.query(`CREATE SCHEMA of_sales AUTHORIZATION "${sales}";
    CREATE TYPE of_sales.colour AS ENUM ('red'); ALTER TYPE of_sales.colour OWNER TO "${sales}";
    CREATE TYPE span AS RANGE (subtype = int); ALTER TYPE span OWNER TO ${quoted};
    CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION one() OWNER TO ${quoted};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${pg.escapeIdentifier(lab)} GRANT SELECT ON TABLES TO PUBLIC`);
  try {
    expect(await bed.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
    // What is temporary, a superuser's schema for it included, is in no dump.
    const found = await withClient(bed.env, name, async (client) => {
      await client.query('CREATE TEMPORARY TABLE passing (n int); CREATE EXTENSION pg_trgm');
      return unwell(await examine());
    });
    expect(found).toMatchObject([{ check: 'database: owners', state: 'fault' }]);
    expect(found[0]?.detail).toContain(`the roles ${JSON.stringify(lab)}, ${JSON.stringify(sales)}, and`);
    expect(await restore()).toMatchObject({ status: 1 });
    await cure(found);
    expect(unwell(await examine())).toEqual([]);
    expect(await restore()).toMatchObject({ stderr: '', status: 0 });
  } finally {
    await admin((client) => client.query(`DROP DATABASE IF EXISTS "${name}_into"`));
    for (const owner of [sales, lab]) {
      await bed.database.query(`DROP OWNED BY ${pg.escapeIdentifier(owner)}`);
      await admin((client) => client.query(`DROP ROLE ${pg.escapeIdentifier(owner)}`));
    }
    await bed.database.query('DROP FUNCTION one(); DROP TYPE span; DROP EXTENSION pg_trgm');
    await bed.store.remove(await bed.keys(), signal);
  }
});

test('the owner of an extension counts for nothing, that of the schema public if it is not the usual one', async () => {
  const { name } = bed.database;
  const admins = `${name}_admins`;
  await admin((client) => client.query(`CREATE ROLE ${admins} SUPERUSER`));
  await bed.database.query(`SET ROLE ${admins}; CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore`);
  try {
    expect(unwell(await examine())).toEqual([]);
    const [was] = await bed.database.query<{ owner: string }>(
      `SELECT quote_ident(rolname) AS owner FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner WHERE nspname = 'public'`,
    );
    await bed.database.query(`ALTER SCHEMA public OWNER TO ${admins}`);
    expect(unwell(await examine())).toMatchObject([{ ...OF_A_SUPERUSER, state: 'fault' }]);
    await bed.database.query(
      `ALTER SCHEMA public OWNER TO ${was?.owner}; CREATE TYPE pair AS (a int, b int)`,
    );
    expect(unwell(await examine())).toMatchObject([{ ...OF_A_SUPERUSER, state: 'fault' }]);
    await bed.database.query('DROP TYPE pair');
  } finally {
    await bed.database.query(`DROP EXTENSION pg_trgm, hstore`);
    await admin((client) => client.query(`DROP ROLE ${admins}`));
  }
});

/** Does what the remedies say, as far as they are statements. */
async function cure(findings: readonly DoctorFinding[]): Promise<void> {
  for (const { remedy = '' } of findings)
    await bed.database.query(remedy.replace(/, or .*/, '').replaceAll('SCHEMA …', 'SCHEMA public, closed'));
}

test.each([
  ['a member', true],
  ['no member', false],
])(
  'where a role that does not inherit is %s of the roles that it needs, the remedies help',
  async (...row) => {
    const [, isMember] = row;
    await admin(async (client) => {
      await client.query(`ALTER ROLE ${quoted} NOINHERIT; REVOKE ${PREDEFINED} FROM ${quoted}`);
      if (isMember) await client.query(`GRANT ${PREDEFINED} TO ${quoted}`);
    });
    await bed.database.query(`REVOKE SELECT ON one FROM ${quoted}`);
    try {
      const findings = unwell(await examine());
      expect(findings.map(({ check }) => check)).toEqual(['database: read all', 'database: sessions']);
      await cure(findings);
      expect(unwell(await examine())).toEqual([]);
    } finally {
      await bed.database.query(`GRANT SELECT ON one TO ${quoted}`);
      await admin((client) => client.query(`ALTER ROLE ${quoted} INHERIT`));
    }
  },
);

test('where the role takes on another one, the remedies are for that one, except for connections', async () => {
  const active = `${bed.database.name}_active`;
  await admin((client) =>
    client.query(
      `CREATE ROLE ${active}; GRANT ${active} TO ${quoted}; ALTER ROLE ${quoted} CONNECTION LIMIT 3`,
    ),
  );
  const doctor = async () => {
    const { stdout } = await bed.run(['doctor', '--json'], { ...asRole(), PGOPTIONS: `-c role=${active}` });
    return unwell(JSON.parse(stdout) as DoctorFinding[]);
  };
  try {
    const findings = await doctor();
    expect(findings.map(({ check, remedy }) => [check, remedy])).toEqual([
      ['database: read all', `${GRANT_READING.replaceAll('<role>', `"${active}"`)}, or use the owner`],
      // The other role cannot become a member of one that is a member of it.
      ['database: owners', 'restore as a superuser (POSTGRES_USER), or with --no-owner'],
      ['database: rename', `ALTER DATABASE "${bed.database.name}" OWNER TO "${active}"`],
      [
        'database: sessions',
        `GRANT pg_signal_backend TO "${active}", or stop the application before a restore`,
      ],
      ['database: connections', expect.stringContaining(`ALTER ROLE ${quoted} CONNECTION LIMIT `)],
      ['database: create', `ALTER ROLE "${active}" CREATEDB`],
    ]);
    const left = ['database: owners', 'database: connections'];
    await cure(findings.filter(({ check }) => !left.includes(check)));
    expect((await doctor()).map(({ check }) => check)).toEqual(left);
  } finally {
    await bed.database.query(
      `ALTER DATABASE "${bed.database.name}" OWNER TO CURRENT_USER; DROP OWNED BY ${active}`,
    );
    await admin((client) => client.query(`DROP ROLE ${active}; ALTER ROLE ${quoted} CONNECTION LIMIT -1`));
  }
});

test('a maintenance database that is the one to restore is found', async () => {
  expect(unwell(await examine({ POSTGRES_MAINTENANCE_DB: bed.database.name }))).toEqual([
    {
      check: 'database: maintenance',
      state: 'fault',
      detail: 'POSTGRES_MAINTENANCE_DB names the same database, so a restore cannot replace it',
      remedy: 'set POSTGRES_MAINTENANCE_DB to another one, such as template1',
    },
  ]);
});

test('probe objects that cannot be removed are named', async () => {
  bed.server.faults.push({
    operation: 'DeleteObjects',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const [finding, ...others] = unwell(await examine());
  expect(others).toEqual([]);
  bed.server.faults.length = 0;
  const keys = await bed.keys();
  expect(keys).toHaveLength(2);
  expect(finding).toMatchObject({
    check: 's3: delete',
    detail: `403 AccessDenied; ${keys.map((key) => `${key} may remain`).join('; ')}`,
  });
  await bed.store.remove(keys, signal);
});

test('what may be left is named where it cannot even be looked up', async () => {
  const denied = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push(
    { operation: 'DeleteObjects', what: denied },
    // Before a probe is written, it is looked up.
    { operation: 'HeadObject', after: 2, what: denied },
  );
  const finding = (await examine()).find(({ check }) => check === 's3: delete');
  bed.server.faults.length = 0;
  const keys = await bed.keys();
  expect(keys).toHaveLength(2);
  for (const key of keys) expect(finding?.detail).toContain(`${key} may remain`);
  await bed.store.remove(keys, signal);
});

test('uploads that cannot be aborted are named', async () => {
  bed.server.faults.push({
    operation: 'AbortMultipartUpload',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const finding = (await examine()).find(({ check }) => check === 's3: multipart');
  bed.server.faults.length = 0;
  const uploads = await bed.pendingUploads();
  expect(uploads.length).toBeGreaterThan(0);
  expect(finding?.detail.match(/upload \S+ of \S+-parts may remain/g)).toHaveLength(uploads.length);
  for await (const upload of bed.store.listUploads('backup/', signal)) {
    await bed.store.abortUpload(upload, signal);
  }
});

test('a server that takes no gaps between the numbers of parts is good enough', async () => {
  const completeUpload: Store['completeUpload'] = async (upload, parts, by) => {
    if (parts.some(({ partNumber }, at) => partNumber !== at + 1)) throw new Error('a part is missing');
    await bed.store.completeUpload(upload, parts, by);
  };
  const store = { ...bed.store, completeUpload };
  expect(unwell(await examineStore(store, PREFIXES, { now: () => new Date(), signal }))).toEqual([]);
});

test('one that is stopped while the server makes its database leaves none', async () => {
  const stop = new AbortController();
  const examining = examineDatabase(bed.tool, {
    binDir: bed.env.PG_BINDIR,
    mediaManifest: true,
    env: process.env,
    now: () => new Date(),
    signal: stop.signal,
  });
  const waiting = () =>
    bed.database.query(`SELECT pid FROM pg_stat_activity
      WHERE query LIKE 'CREATE DATABASE "topobank\\_backup\\_doctor%' AND wait_event_type = 'Lock'`);
  await admin(async (client) => {
    // What makes a database waits for it, what reads does not.
    await client.query('BEGIN; LOCK TABLE pg_database IN EXCLUSIVE MODE');
    await expect.poll(waiting, { timeout: 60_000 }).not.toEqual([]);
    stop.abort(new Error('stopped'));
    await client.query('ROLLBACK');
  });
  await expect(examining).rejects.toThrow('stopped');
  expect((await listDatabaseNames(bed.env)).filter((name) => name.includes('doctor'))).toEqual([]);
});

test.each([
  ['on', 4, 'ok'],
  ['on', 3, 'fault'],
  ['on', 2, 'fault'],
  ['off', 3, 'ok'],
  ['off', 2, 'fault'],
])('with MEDIA_MANIFEST=%s, it says of a role’s limit of %i what a backup finds: %s', async (...row) => {
  const [media, limit, state] = row;
  const references = join(bed.directory, 'references.json');
  await writeFile(references, '[{"column": "files.key"}]');
  // So many that they are still being read when pg_dump connects.
  await bed.database.query(`CREATE TABLE files (id int PRIMARY KEY, key text);
    INSERT INTO files SELECT g, 'media/' || g FROM generate_series(1, 100000) AS g; GRANT SELECT ON files TO ${quoted}`);
  await admin((client) => client.query(`ALTER ROLE ${quoted} CONNECTION LIMIT ${limit}`));
  try {
    const env = { ...asRole(), MEDIA_MANIFEST: media, AUDIT_REFERENCES: references };
    const found = (await examine(env)).find(({ check }) => check === 'database: connections');
    // Sessions that have ended a moment ago may still count as open.
    expect(found).toMatchObject(
      state === 'ok' ? { detail: expect.stringMatching(/ are allowed$| open now$/) } : { state },
    );
    const backup = await bed.run(['backup'], env);
    // Where one is missing, the dump and the list of media take it from each other.
    const isWhole = backup.status === 0 && !backup.stderr.includes('no list of its media');
    expect(isWhole ? 'ok' : 'fault').toBe(state);
  } finally {
    await admin((client) => client.query(`ALTER ROLE ${quoted} CONNECTION LIMIT -1`));
    await bed.database.query('DROP TABLE files');
    await bed.store.remove(await bed.keys(), signal);
  }
});

test('connections that the server keeps for other roles are none for this one', async () => {
  const since16 = inject('postgresMajor') >= 16;
  const settings = { max_connections: '20', superuser_reserved_connections: '3' };
  const limit = since16 ? 12 : 17;
  const scratch = scratchDirectory('reserved');
  const server = await startPostgres({
    directory: scratch.path,
    settings: { ...settings, ...(since16 ? { reserved_connections: '5' } : {}) },
  });
  const asSuperuser = (sql: string) => withClient(server.env, 'postgres', (client) => client.query(sql));
  const env = { ...server.env, POSTGRES_USER: 'plain', POSTGRES_PASSWORD: 'x', POSTGRES_DB: 'theirs' };
  const found = async () => (await examine(env)).find(({ check }) => check === 'database: connections');
  /** Runs `work` while the role has so many sessions. */
  const withSessions = (number: number, work: () => Promise<void>): Promise<void> =>
    number === 0 ? work() : withClient(env, 'theirs', () => withSessions(number - 1, work));
  try {
    await asSuperuser("CREATE ROLE plain LOGIN PASSWORD 'x'");
    await asSuperuser('CREATE DATABASE theirs OWNER plain');
    expect(await found()).toMatchObject({ state: 'ok' });
    const grant = 'GRANT pg_use_reserved_connections TO "plain" WITH INHERIT TRUE';
    const join = since16 ? `, or ${grant}` : '';
    await withSessions(limit - 3, async () => {
      // A session that has ended a moment ago may still count as open.
      await expect.poll(found, { timeout: 20_000 }).toEqual({
        check: 'database: connections',
        state: 'warning',
        detail: `this role and others may together have ${limit} connections at once, but a backup needs 4, while ${limit - 3} others are open now`,
        remedy: `raise max_connections to 21 or more${join}`,
      });
    });
    await withSessions(limit, async () => {
      const { status, stderr } = await bed.run(['backup', '--quiet'], env);
      expect(status).toBe(1);
      expect(stderr).toMatch(/cannot connect to .*: remaining connection slots are reserved for .* — wait, /);
      expect(stderr.trimEnd()).toMatch(
        since16
          ? /or GRANT pg_use_reserved_connections to the role WITH INHERIT TRUE$/
          : /or raise max_connections$/,
      );
      if (!since16) return;
      await asSuperuser(grant);
      await expect.poll(found, { timeout: 20_000 }).toMatchObject({ state: 'ok' });
    });
  } finally {
    await server.stop();
    scratch.remove();
  }
});

test('a fault ends the program with status 3; the document is the same as the table', async () => {
  const env = { ...asRole(), AWS_SECRET_ACCESS_KEY: 'wrong' };
  const [text, json] = await Promise.all([bed.run(['doctor'], env), bed.run(['doctor', '--json'], env)]);
  expect(text).toMatchObject({ status: 3, stderr: '' });
  expect(text.stdout).toMatch(
    /\ns3: list +fault +403 SignatureDoesNotMatch — check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID\n/,
  );
  expect(text.stdout).toMatch(/\n\n1 of 16 checks failed\n$/);
  expect(json).toMatchObject({ status: 3, stderr: '' });
  const document = JSON.parse(json.stdout) as DoctorFinding[];
  expect(document).toHaveLength(16);
  expect(unwell(document)).toEqual([
    {
      check: 's3: list',
      state: 'fault',
      detail: '403 SignatureDoesNotMatch',
      remedy: 'check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID',
    },
  ]);
});

test.each([
  [30, 'ok', 'ok'],
  [90, 'warning', 'warning'],
  [1200, 'fault', 'fault'],
  [-1200, 'fault', 'fault'],
])('a clock that is %i s off is compared with both servers’', async (seconds, ...states) => {
  const now = () => new Date(Date.now() - seconds * 1000);
  const findings = [
    ...(await examineDatabase(bed.tool, {
      binDir: bed.env.PG_BINDIR!,
      mediaManifest: true,
      env: process.env,
      now,
      signal,
    })),
    ...(await examineStore(bed.store, PREFIXES, { now, signal })),
  ];
  expect(findings.filter(({ check }) => check.endsWith('clock')).map(({ state }) => state)).toEqual(states);
});

test('where the bucket keeps versions, they have to be listed', async () => {
  const versions = async () => (await examine()).find(({ check }) => check === 's3: versions');
  await keepVersions(bed);
  try {
    expect(await versions()).toMatchObject({ state: 'ok', detail: expect.stringContaining('can be listed') });
    bed.server.faults.push({
      operation: 'ListObjectVersions',
      what: { kind: 'error', status: 403, code: 'AccessDenied' },
    });
    expect(await versions()).toMatchObject({
      state: 'warning',
      detail: '403 AccessDenied, so none are recorded for media',
      remedy: expect.stringContaining('s3:ListBucketVersions'),
    });
  } finally {
    await keepVersions(bed, 'Suspended');
  }
});
