import { expect, test } from 'vitest';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { admitPatient, GRANT_READING, MAY_READ_ALL, OF_A_SUPERUSER, unwell } from './patient.ts';

const patient = await admitPatient();

const REVOKE_READING = MAY_READ_ALL ? ['REVOKE pg_read_all_data FROM <role>'] : [];

interface Ill {
  readonly about: string;
  readonly sql?: readonly string[];
  readonly undo?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly faults?: readonly Fault[];
  readonly found: readonly Partial<Record<keyof DoctorFinding, unknown>>[];
}

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
          'only a superuser can restore event trigger watch, extension pageinspect, function public.raw(integer) and 1 more',
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
          /^prepared transactions keep it from .* \(left's behind of role \w+, since \d{4}-.* UTC\)$/,
        ),
        remedy: expect.stringMatching(/^run in it: ROLLBACK PREPARED 'left''s behind'; or COMMIT PREPARED /),
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
    text.replaceAll('<role>', patient.quoted).replaceAll('<name>', `"${patient.bed.database.name}"`);
  for (const sql of ill.sql ?? []) await patient.bed.database.query(names(sql));
  patient.bed.server.faults.push(...(ill.faults ?? []));
  const findings = await patient.examine(ill.env);
  for (const sql of ill.undo ?? []) await patient.bed.database.query(names(sql));
  const expected = ill.found.map((found) => ({
    state: 'fault',
    ...Object.fromEntries(
      Object.entries(found).map(([key, value]) => [key, typeof value === 'string' ? names(value) : value]),
    ),
  }));
  expect(unwell(findings)).toMatchObject(expected);
  expect(unwell(findings)).toHaveLength(expected.length);
  patient.bed.server.faults.length = 0;
  expect(await patient.bed.keys()).toEqual([]);
  expect(await patient.bed.pendingUploads()).toEqual([]);
});
