import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type BackupContext, takeBackup } from '../../src/backup/take-backup.ts';
import { backupSource } from '../../src/catalog/dump-source.ts';
import { decodeManifest, type Manifest } from '../../src/catalog/manifest.ts';
import { restoreDump } from '../../src/restore/restore.ts';
import { withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { fakePgDump } from '../support/fake-pg-dump.ts';
import { findBackup } from '../support/find-backup.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';
import { fillTopobank } from '../support/topobank-fixture.ts';

const signal = new AbortController().signal;
let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await withClient(bed.env, bed.database.name, (client) => fillTopobank(client, { scale: 0.02 }));
});

afterAll(() => bed.close());

/** Takes a backup without the program. */
function take(
  options: Partial<Pick<BackupContext, 'prefix' | 'now' | 'binDir' | 'env' | 'media' | 'startProgress'>> = {},
): Promise<Manifest> {
  const context = {
    store: bed.store,
    database: bed.tool,
    tool: 'test 1',
    media: undefined,
    log: keepingLog().log,
    startProgress: noProgress,
    maxParts: 10_000,
    partsInFlight: 3,
    prefix: 'backup/',
    now: () => new Date(),
    binDir: bed.env.PG_BINDIR,
    env: process.env,
  };
  return takeBackup({ ...context, ...options }, signal);
}

const values = async <T>(sql: string): Promise<T[]> =>
  (await bed.database.query<{ value: T }>(sql)).map(({ value }) => value);

test('the manifest says of the database what its own catalogs say', async () => {
  const name = `"${bed.database.name}"`;
  await bed.database.query(`
    ALTER DATABASE ${name} SET search_path = "$user", public, "Odd, name";
    ALTER DATABASE ${name} SET work_mem = '5MB';
    ALTER ROLE CURRENT_USER IN DATABASE ${name} SET statement_timeout = '1h';
    REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC;
    GRANT CREATE ON DATABASE ${name} TO pg_monitor WITH GRANT OPTION`);
  const [before] = await values<string>('SELECT pg_current_wal_lsn()::text AS value');
  const made = await bed.run(['backup', '--json']);
  expect(made).toMatchObject({ status: 0 });
  const document = JSON.parse(made.stdout) as Record<string, unknown>;
  const key = (document.key as string).replace('.sql', '.manifest.json');
  const object = await bed.store.get(key, { signal });
  const manifest = decodeManifest(key, Buffer.concat(await object!.body.toArray()).toString());

  const [user] = await values<string>('SELECT current_user AS value');
  const [locale] = await bed.database.query(
    'SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype FROM pg_database WHERE datname = current_database()',
  );
  expect(manifest.database).toEqual({
    name: bed.database.name,
    ...locale,
    provider: 'libc',
    providerLocale: null,
    icuRules: null,
    tablespace: null,
    connectionLimit: -1,
    template: false,
    comment: null,
    owner: user,
    bytes: expect.any(Number),
    settings: [
      { role: null, name: 'search_path', value: '"$user", public, "Odd, name"' },
      { role: null, name: 'work_mem', value: '5MB' },
      { role: user, name: 'statement_timeout', value: '1h' },
    ],
    acl: expect.arrayContaining([
      { grantee: 'PUBLIC', privilege: 'TEMPORARY', grantable: false },
      { grantee: 'pg_monitor', privilege: 'CREATE', grantable: true },
      { grantee: user, privilege: 'CONNECT', grantable: false },
    ]),
  });
  expect(manifest.database!.acl).not.toContainEqual(
    expect.objectContaining({ grantee: 'PUBLIC', privilege: 'CONNECT' }),
  );
  const [bytes] = await values<number>('SELECT pg_database_size(current_database())::int AS value');
  expect(manifest.database!.bytes).toBeGreaterThan(bytes! / 2);
  expect(await values("SELECT current_setting('server_version') AS value")).toEqual([manifest.server]);
  expect(manifest.pgDump).toMatch(/^\d+/);
  expect(manifest.tool).toMatch(/^topobank-backup \d+\.\d+\.\d+$/);

  const [within] = await bed.database.query('SELECT $1::pg_lsn BETWEEN $2 AND pg_current_wal_lsn() AS yes', [
    manifest.snapshot!.lsn,
    before,
  ]);
  expect(within).toEqual({ yes: true });
  const times = [manifest.startedAt, manifest.snapshot!.at, manifest.finishedAt].map(Date.parse);
  expect(times).toEqual(times.toSorted((a, b) => a - b));

  const last = await bed.database.query<{ app: string; name: string }>(
    'SELECT app, name FROM django_migrations WHERE id IN (SELECT max(id) FROM django_migrations GROUP BY app)',
  );
  expect(manifest.migrations).toEqual(Object.fromEntries(last.map((row) => [row.app, row.name])));

  const tables = await values<string>(
    `SELECT relname AS value FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
  );
  expect(manifest.tables.map((table) => table.name).toSorted()).toEqual(tables.toSorted());
  for (const table of manifest.tables) {
    const columns = await values<string>(
      `SELECT attname AS value FROM pg_attribute WHERE attrelid = 'public.${table.name}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    );
    const rows = await values<number>(`SELECT count(*)::int AS value FROM public.${table.name}`);
    expect(table).toMatchObject({ schema: 'public', columns, rows: rows[0] });
  }
  const { sections } = manifest;
  expect(sections.map((section) => section.name)).toEqual(['pre-data', 'data', 'post-data']);
  expect(sections.map(({ offset }) => offset)).toEqual([
    0,
    sections[0]!.bytes,
    sections[0]!.bytes + sections[1]!.bytes,
  ]);
  expect(sections.reduce((sum, section) => sum + section.bytes, 0)).toBe(manifest.bytes);
  expect(document).toMatchObject({
    id: manifest.id,
    bytes: manifest.bytes,
    database: bed.database.name,
    tables: tables.length,
    rows: manifest.tables.reduce((sum, { rows }) => sum + rows, 0),
  });
});

test('pg_dump gets the whole environment with the connection as PG*, and no secret among its arguments', async () => {
  const file = join(bed.directory, 'environment');
  const real = join(bed.env.PG_BINDIR!, 'pg_dump');
  const binDir = fakePgDump(
    bed.directory,
    'telling',
    `env > ${file}; echo "$@" > ${file}.args; exec ${real} "$@"`,
  );
  const given = {
    PG_BINDIR: binDir,
    POSTGRES_PASSWORD: undefined,
    PGPASSWORD: bed.env.POSTGRES_PASSWORD,
    PGSSLMODE: 'prefer',
    PGOPTIONS: '-c work_mem=3MB',
    PGTZ: 'Europe/Berlin',
    // Nothing is written to a temporary file.
    TMPDIR: '/nonexistent',
  };
  expect(await bed.run(['backup'], given)).toMatchObject({ status: 0 });
  const environment = readFileSync(file, 'utf8').split('\n');
  expect(environment).toEqual(
    expect.arrayContaining([
      `PGHOST=${bed.env.POSTGRES_HOST}`,
      `PGPORT=${bed.env.POSTGRES_PORT}`,
      `PGUSER=${bed.env.POSTGRES_USER}`,
      `PGPASSWORD=${bed.env.POSTGRES_PASSWORD}`,
      `PGDATABASE=${bed.database.name}`,
      'PGSSLMODE=prefer',
      'PGOPTIONS=-c work_mem=3MB',
      'PGTZ=Europe/Berlin',
    ]),
  );
  expect(readFileSync(`${file}.args`, 'utf8')).toMatch(
    /^--format=plain --no-password --snapshot=\S+ --encoding=UTF8\n$/,
  );
});

test('what is written while a backup is taken is in it wholly or not at all, and the manifest agrees', async () => {
  await bed.database.query(`
    CREATE TABLE account (id int PRIMARY KEY, amount int);
    INSERT INTO account SELECT g, 0 FROM generate_series(1, 50) g;
    CREATE TABLE ledger (id serial, amount int)`);
  const stop = new AbortController();
  const written = deferred<void>();
  const writer = withClient(bed.env, bed.database.name, async (client) => {
    for (let turn = 1; !stop.signal.aborted; turn++) {
      await client.query(`
        BEGIN;
        UPDATE account SET amount = amount + 1 WHERE id = ${1 + (turn % 50)};
        INSERT INTO ledger (amount) VALUES (1);
        INSERT INTO django_migrations (app, name, applied) VALUES ('concurrent', '${turn}', now());
        COMMIT`);
      if (turn === 10) written.resolve();
    }
  });
  await written.promise;
  const manifest = await take({ prefix: 'concurrent/' });
  stop.abort();
  await writer;

  const backup = await findBackup(bed.store, 'concurrent/', manifest.id, signal);
  if (backup?.state !== 'complete') throw new Error('the backup is not complete');
  const into = `${bed.database.name}_concurrent`;
  const context = {
    database: bed.tool,
    now: () => new Date(),
    log: keepingLog().log,
    startProgress: noProgress,
  };
  const source = backupSource(bed.store, backup, { binDir: bed.env.PG_BINDIR, env: process.env });
  await restoreDump(context, source, { target: { kind: 'into', name: into }, noOwner: false }, signal);
  const { rows } = await withClient(bed.env, into, (client) =>
    client.query<Record<'accounts' | 'entries' | 'migration', string>>(`
      SELECT (SELECT sum(amount) FROM account)::text AS accounts, (SELECT count(*) FROM ledger)::text AS entries,
        (SELECT max(name::int) FROM django_migrations WHERE app = 'concurrent')::text AS migration`),
  );
  const { accounts, entries, migration } = rows[0]!;
  expect(accounts).toBe(entries);
  expect(migration).toBe(entries);
  expect(manifest.migrations.concurrent).toBe(entries);
  expect(manifest.tables.find(({ name }) => name === 'ledger')?.rows).toBe(Number(entries));
});

test('once the dump is in, people see how much of the media has been listed', async () => {
  const media = { mediaPrefix: 'media/', otherPrefixes: [], auditReferences: undefined, auditReaders: 2 };
  const options = { ifAbsent: true, contentType: 'text/plain', signal };
  for (const name of ['a', 'b', 'c']) await bed.store.put(`media/${name}`, Buffer.from('x'), options);
  const steps: string[] = [];
  const startProgress = () => ({ ...noProgress('', 0), step: (what: string) => steps.push(what) });
  expect(await take({ prefix: 'listing/', media, startProgress })).toMatchObject({ media: { objects: 0 } });
  expect(steps.at(-1)).toBe('recording media: 3 objects listed');
});

test('a name that is taken, or whose upload is under way, is left to its owner', async () => {
  const prefix = 'taken/';
  const now = () => new Date('2026-11-23T10:30:00.500Z');
  const put = (key: string) =>
    bed.store.put(`${prefix}${key}`, Buffer.from('theirs'), {
      ifAbsent: true,
      contentType: 'text/plain',
      signal,
    });
  await put('postgres-backup-20261123103000.sql.gz');
  await put('postgres-backup-20261123103001.manifest.json');
  await bed.store.createUpload(`${prefix}postgres-backup-20261123103002.sql`, 'application/sql', signal);
  await put('another-20261123103003.sql');
  expect(await take({ prefix, now })).toMatchObject({ id: '20261123103003' });
  expect(await take({ prefix, now })).toMatchObject({ id: '20261123103004' });
});

test('two runs at once leave whole backups and nothing else', async () => {
  const prefix = 'twice/';
  const now = () => new Date('2026-11-23T10:30:00Z');
  const runs = await Promise.allSettled([take({ prefix, now }), take({ prefix, now })]);
  const made = runs.flatMap((run) => (run.status === 'fulfilled' ? [run.value.id] : []));
  const keys = (await bed.keys()).filter((key) => key.startsWith(prefix));
  expect(made.length).toBeGreaterThan(0);
  expect(keys).toEqual(
    [...new Set(made)]
      .toSorted()
      .flatMap((id) => [
        `${prefix}postgres-backup-${id}.manifest.json`,
        `${prefix}postgres-backup-${id}.sql`,
      ]),
  );
});

test('the bucket is created where it is missing, and it is said when the key may not', async () => {
  const bucket = { AWS_STORAGE_BUCKET_NAME: 'a-new-bucket' };
  const refusal = {
    operation: 'CreateBucket',
    times: 1,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  } as const;
  bed.server.faults.push({ ...refusal });
  const refused = await bed.run(['backup', '--quiet'], bucket);
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /^topobank-backup: cannot use bucket a-new-bucket \(http\S+\): 403 AccessDenied — .*s3:CreateBucket\n$/,
  );
  const made = await bed.run(['backup'], bucket);
  expect(made).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/WARN.*: bucket a-new-bucket did not exist and was created/),
  });
  const listed = await bed.run(['list', '--json'], bucket);
  expect(JSON.parse(listed.stdout)).toHaveLength(1);
});
