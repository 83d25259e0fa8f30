import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { takeBackup } from '../../src/backup/take-backup.ts';
import { backupSource, type DumpSource } from '../../src/catalog/dump-source.ts';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { readDatabaseFacts } from '../../src/postgres/facts.ts';
import { mayCreateIn } from '../../src/postgres/roles.ts';
import { type RestoreOptions, restoreDump } from '../../src/restore/restore.ts';
import { compareDigests, digestDatabase } from '../support/compare-databases.ts';
import { withClient } from '../support/database.ts';
import { findBackup } from '../support/find-backup.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
let bed: TestBed;
/** Roles that own, that are granted something, and that a policy names. */
let roles: { owner: string; reader: string; guarded: string };
const others: string[] = [];

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  const { name } = bed.database;
  roles = { owner: `${name}_owner`, reader: `${name} "reader"`, guarded: `${name}_guarded` };
  for (const role of Object.values(roles)) await admin(`CREATE ROLE ${quote(role)}`);
  await bed.database.query(`
    CREATE TABLE surface AS SELECT g AS id, 'surface ' || g AS name FROM generate_series(1, 100) g;
    ALTER TABLE surface OWNER TO ${quote(roles.owner)};
    GRANT SELECT ON surface TO ${quote(roles.reader)};
    ALTER DATABASE ${quote(name)} OWNER TO ${quote(roles.owner)};
    ALTER DATABASE ${quote(name)} SET search_path = "$user", public, "Odd, name";
    ALTER DATABASE ${quote(name)} SET "DateStyle" = 'German, DMY';
    ALTER DATABASE ${quote(name)} SET topobank.greeting = 'it''s, "here"';
    ALTER DATABASE ${quote(name)} CONNECTION LIMIT 40;
    COMMENT ON DATABASE ${quote(name)} IS 'TopoBank''s own';
    ALTER ROLE ${quote(roles.reader)} IN DATABASE ${quote(name)} SET work_mem = '7MB';
    REVOKE CONNECT, TEMPORARY ON DATABASE ${quote(name)} FROM PUBLIC;
    GRANT CONNECT ON DATABASE ${quote(name)} TO ${quote(roles.reader)} WITH GRANT OPTION`);
});

afterEach(async () => {
  for (const name of others.splice(0)) await admin(`DROP DATABASE IF EXISTS ${quote(name)}`);
});

afterAll(async () => {
  await bed.database.drop();
  for (const role of Object.values(roles)) await admin(`DROP ROLE IF EXISTS ${quote(role)}`);
  await bed.close();
});

/** All restores are in the same second; what an earlier one has kept must not be in the way of the next. */
const now = () => new Date('2026-11-23T10:30:00Z');

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));

const toolFor = (name: string) =>
  openDatabase(readConfig({ env: { ...bed.env, POSTGRES_DB: name }, flags: {} }, ['database']), {});

async function takeSource(name = bed.database.name): Promise<DumpSource> {
  const who = {
    store: bed.store,
    database: toolFor(name),
    tool: 'test',
    log: keepingLog().log,
    startProgress: noProgress,
  };
  const how = {
    prefix: 'backup/',
    maxParts: 100,
    partsInFlight: 2,
    media: undefined,
    now: () => new Date(),
    binDir: bed.env.PG_BINDIR,
    env: process.env,
  };
  const { id } = await takeBackup({ ...who, ...how }, signal);
  const backup = await findBackup(bed.store, 'backup/', id, signal);
  if (backup === undefined || backup.state === 'broken') throw new Error('no backup');
  return backupSource(bed.store, backup, how);
}

async function restore(name: string, source: DumpSource, options: Partial<RestoreOptions> = {}) {
  const { log, lines } = keepingLog();
  const context = { database: toolFor(name), now, log, startProgress: noProgress };
  const report = await restoreDump(
    context,
    source,
    { target: { kind: 'swap', dropOld: true }, noOwner: false, ...options },
    signal,
  );
  return { report, warnings: lines.filter((line) => !/^(info|debug)/.test(line)) };
}

async function factsOf(name: string) {
  const facts = await withClient(bed.env, 'postgres', (client) => readDatabaseFacts(client, name));
  const { bytes: _, ...rest } = facts!;
  return { ...rest, acl: rest.acl?.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))) };
}

const copyName = (suffix: string) => {
  const name = `${bed.database.name}${suffix}`;
  others.push(name);
  return name;
};

test('a restored database has the settings, the owner and the rights of the one that was dumped', async () => {
  const before = await factsOf(bed.database.name);
  expect(before.settings).toHaveLength(4);
  const copy = copyName('_copy');
  const { warnings } = await restore(bed.database.name, await takeSource(), {
    target: { kind: 'into', name: copy },
  });
  expect(await factsOf(copy)).toEqual({ ...before, name: copy });
  expect(warnings).toEqual([]);
  expect(
    compareDigests(await digestDatabase(bed.env, bed.database.name), await digestDatabase(bed.env, copy)),
  ).toEqual([]);
});

test('what rows and indexes need of the settings holds while they come in, and what would keep them out does not', async () => {
  const other = await createTestBed(inject('postgres'));
  try {
    const { name } = other.database;
    await other.database.query(`
      ALTER DATABASE ${name} SET topobank.unit = 'nm';
      SET topobank.unit = 'nm';
      CREATE TABLE measured (unit text CHECK (unit = current_setting('topobank.unit')), value int);
      INSERT INTO measured VALUES ('nm', 1);
      CREATE FUNCTION in_unit(int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT $1 || current_setting('topobank.unit')$$;
      CREATE INDEX ON measured (public.in_unit(value));
      ALTER DATABASE ${name} SET default_transaction_read_only = on;
      ALTER DATABASE ${name} CONNECTION LIMIT 0`);
    const before = await factsOf(name);
    expect((await other.run(['backup', '--quiet'])).status).toBe(0);
    const into = `${name}_copy`;
    const restored = await other.run(['restore', 'latest', '--jobs', '2', '--into', into, '--quiet']);
    expect(restored).toMatchObject({ status: 0, stderr: '' });
    expect(await factsOf(into)).toEqual({ ...before, name: into });
    expect((await other.run(['verify', '--restore', '--quiet'])).status).toBe(0);
  } finally {
    await other.close();
  }
});

test('a dump that does not tell them takes them over from the database that it replaces', async () => {
  const before = await factsOf(bed.database.name);
  const { manifest: _, ...source } = await takeSource();
  await restore(bed.database.name, { ...source, manifest: undefined });
  expect(await factsOf(bed.database.name)).toEqual(before);
});

test('with --no-owner all belongs to who restores; settings that hold for everyone stay', async () => {
  const copy = copyName('_plain');
  await restore(bed.database.name, await takeSource(), {
    target: { kind: 'into', name: copy },
    noOwner: true,
  });
  const before = await factsOf(bed.database.name);
  expect(await factsOf(copy)).toEqual({
    ...before,
    name: copy,
    owner: bed.env.POSTGRES_USER,
    acl: undefined,
    settings: before.settings.filter(({ role }) => role === null),
  });
  const { rows } = await withClient(bed.env, copy, (client) =>
    client.query(
      `SELECT relowner::regrole::text AS owner, relacl AS acl FROM pg_class WHERE relname = 'surface'`,
    ),
  );
  expect(rows).toEqual([{ owner: bed.env.POSTGRES_USER, acl: null }]);
});

test.each([false, true])(
  'a role that does not exist is named before anything is created (manifest at hand: %s)',
  async (known) => {
    const source = await takeSource();
    const names = await bed.databases();
    await bed.database.query(`
    ALTER DATABASE ${quote(bed.database.name)} OWNER TO CURRENT_USER;
    REASSIGN OWNED BY ${quote(roles.owner)} TO CURRENT_USER;
    DROP OWNED BY ${quote(roles.owner)}, ${quote(roles.reader)}`);
    await admin(`DROP ROLE ${quote(roles.owner)}, ${quote(roles.reader)}`);
    const given = known ? source : { ...source, manifest: undefined };
    const shown = [roles.reader, roles.owner].map((role) => JSON.stringify(role)).join(', ');
    try {
      await expect(restore(bed.database.name, given)).rejects.toMatchObject({
        name: 'RestoreError',
        message: `cannot restore ${source.name}: it names roles that this server does not have: ${shown} — create them with CREATE ROLE, or give --no-owner to omit owners and grants`,
      });
      expect(await bed.databases()).toEqual(names);
      const copy = copyName('_without');
      await restore(bed.database.name, given, { target: { kind: 'into', name: copy }, noOwner: true });
      expect(
        compareDigests(await digestDatabase(bed.env, bed.database.name), await digestDatabase(bed.env, copy)),
      ).toEqual([]);
    } finally {
      await admin(`CREATE ROLE ${quote(roles.owner)}; CREATE ROLE ${quote(roles.reader)}`);
      await bed.database.query(
        `ALTER TABLE surface OWNER TO ${quote(roles.owner)}; GRANT SELECT ON surface TO ${quote(roles.reader)}; ALTER DATABASE ${quote(bed.database.name)} OWNER TO ${quote(roles.owner)}`,
      );
    }
  },
);

test('roles that a policy and a user mapping name are needed with --no-owner, too', async () => {
  const mapped = `${bed.database.name}_mapped`;
  await admin(`CREATE ROLE ${quote(mapped)}`);
  await bed.database.query(
    `ALTER TABLE surface ENABLE ROW LEVEL SECURITY; CREATE POLICY see ON surface TO ${quote(roles.guarded)} USING (true);
     CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
     CREATE USER MAPPING FOR ${quote(mapped)} SERVER elsewhere`,
  );
  const source = await takeSource();
  await bed.database.query(
    'DROP POLICY see ON surface; ALTER TABLE surface DISABLE ROW LEVEL SECURITY; DROP FOREIGN DATA WRAPPER nowhere CASCADE',
  );
  await admin(`DROP ROLE ${quote(roles.guarded)}; DROP ROLE ${quote(mapped)}`);
  await expect(restore(bed.database.name, source, { noOwner: true })).rejects.toMatchObject({
    message: `cannot restore ${source.name}: it names roles that this server does not have: ${JSON.stringify(roles.guarded)}, ${JSON.stringify(mapped)} — create them with CREATE ROLE; policies or user mappings name them, and --no-owner does not omit those`,
  });
});

test('settings that this server does not know or take are skipped, each with a warning', async () => {
  const source = await takeSource();
  const { database } = source.manifest!;
  const unknown = { role: null, name: 'no_such_setting', value: 'on' };
  const elsewhere = { role: null, name: 'lc_messages', value: 'xx_XX.UTF-8' };
  const settings = [...database!.settings, unknown, elsewhere];
  const copy = copyName('_older');
  const told = { ...source, manifest: { ...source.manifest!, database: { ...database!, settings } } };
  const { warnings } = await restore(bed.database.name, told, { target: { kind: 'into', name: copy } });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^warn: this server does not know a setting of the database; skipped: ALTER DATABASE .*no_such_setting/,
    ),
    expect.stringMatching(
      /^warn: invalid value for parameter "lc_messages": "xx_XX\.UTF-8"; skipped, set it to a value that this server accepts: ALTER DATABASE .*lc_messages/,
    ),
  ]);
  expect((await factsOf(copy)).settings).toEqual(database!.settings);
});

const LOCALES: readonly [about: string, options: string, text: string][] = [
  [
    'LATIN1',
    `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    `'Stra' || chr(223) || 'e ' || chr(255)`,
  ],
  [
    'SQL_ASCII',
    `ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    `E'any byte: \\xe9\\xff'`,
  ],
  ['EUC_JP', `ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`, `'日本語'`],
  [
    'ICU',
    `ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    `'Ärger'`,
  ],
];

test.each(LOCALES)(
  'a database in %s comes back in the same encoding and locale',
  async (locale, options, text) => {
    const name = copyName(`_${locale}`);
    await admin(`CREATE DATABASE ${quote(name)} ${options}`);
    await withClient(bed.env, name, (client) =>
      client.query(
        `CREATE TABLE "Größe" (name text); INSERT INTO "Größe" SELECT ${text}; COMMENT ON TABLE "Größe" IS 'müßig'`,
      ),
    ).catch((error: Error) => {
      // EUC_JP knows no ß; the name does not matter there.
      if (!/has no equivalent/.test(error.message)) throw error;
      return withClient(bed.env, name, (client) =>
        client.query(`CREATE TABLE t (name text); INSERT INTO t SELECT ${text}`),
      );
    });
    const before = { facts: await factsOf(name), digest: await digestDatabase(bed.env, name) };
    const source = await takeSource(name);
    await restore(name, source);
    expect(await factsOf(name)).toEqual(before.facts);
    expect(compareDigests(before.digest, await digestDatabase(bed.env, name))).toEqual([]);
    // Without the manifest the dump itself tells the encoding.
    await restore(name, { ...source, manifest: undefined });
    expect(await factsOf(name)).toEqual(before.facts);
  },
);

test('a template comes back as one, and is dropped like any other in its turn', async () => {
  const name = copyName('_template');
  await admin(`CREATE DATABASE ${quote(name)} IS_TEMPLATE true`);
  const source = await takeSource(name);
  for (const _ of ['once', 'again']) {
    const { report, warnings } = await restore(name, source);
    expect(warnings).toEqual([]);
    expect(report).toMatchObject({ kept: undefined, dropped: [expect.stringContaining('_before_restore_')] });
    expect(await factsOf(name)).toMatchObject({ template: true });
  }
  await admin(`ALTER DATABASE ${quote(name)} IS_TEMPLATE false`);
});

test('a database comes back in its tablespace; where the server lacks it, in the default one, with a warning', async () => {
  const name = copyName('_placed');
  const tablespace = `${bed.database.name} "space"`;
  await withClient(bed.env, 'postgres', async (client) => {
    await client.query('SET allow_in_place_tablespaces = on');
    await client.query(`CREATE TABLESPACE ${quote(tablespace)} LOCATION ''`);
    await client.query(`CREATE DATABASE ${quote(name)} TABLESPACE ${quote(tablespace)}`);
  });
  try {
    const before = await factsOf(name);
    expect(before.tablespace).toBe(tablespace);
    const source = await takeSource(name);
    await withClient(bed.env, 'postgres', async (client) => {
      await client.query('SET ROLE pg_monitor');
      expect(await mayCreateIn(client, tablespace)).toBe(false);
    });
    expect(await restore(name, source)).toMatchObject({ warnings: [] });
    expect(await factsOf(name)).toEqual(before);
    await admin(`DROP DATABASE ${quote(name)}`);
    await admin(`DROP TABLESPACE ${quote(tablespace)}`);
    const { warnings } = await restore(name, source);
    expect(warnings).toEqual([
      `warn: the dumped database was in tablespace ${JSON.stringify(tablespace)}, which this server does not have: the restored one is in the default tablespace`,
    ]);
    expect(await factsOf(name)).toEqual({ ...before, tablespace: null });
  } finally {
    await admin(`DROP DATABASE IF EXISTS ${quote(name)}`);
    await admin(`DROP TABLESPACE IF EXISTS ${quote(tablespace)}`);
  }
});

test('a dump in another encoding than the database in UTF8 that it replaces leaves that its own', async () => {
  const { encoding, collate, ctype } = await factsOf(bed.database.name);
  expect(encoding).toBe('UTF8');
  const name = copyName('_moved');
  await admin(
    `CREATE DATABASE ${quote(name)} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
  );
  await withClient(bed.env, name, (client) =>
    client.query(`CREATE TABLE t AS SELECT 'Straße'::text AS name`),
  );
  const source = await takeSource(name);
  await restore(
    bed.database.name,
    { ...source, manifest: undefined },
    { target: { kind: 'swap', dropOld: false } },
  );
  expect(await factsOf(bed.database.name)).toMatchObject({ encoding, collate, ctype });
  expect(await bed.database.query('SELECT name FROM t')).toEqual([{ name: 'Straße' }]);
});

const NAMES: readonly string[] = [
  'Ober "Fläche" & \'Co\'; --',
  '表面',
  'x'.repeat(50),
  `${'é'.repeat(24)}x`,
  '%s $1 \\d',
];

test.each(NAMES)(
  'a database of the name %s is backed up, restored, kept, and the one before dropped',
  async (suffix) => {
    const name = `${bed.database.name}${suffix}`.slice(0, 63);
    await admin(`CREATE DATABASE ${quote(name)}`);
    await withClient(bed.env, name, (client) => client.query('CREATE TABLE one AS SELECT 1 AS one'));
    const source = await takeSource(name);
    const target = { kind: 'swap', dropOld: false } as const;
    const first = await restore(name, source, { target });
    const second = await restore(name, source, { target });
    others.push(name, second.report.kept!);
    expect(second.report.dropped).toEqual([first.report.kept]);
    expect(Buffer.byteLength(second.report.kept!)).toBeLessThanOrEqual(63);
    const present = await bed.databases();
    expect(present).toContain(name);
    expect(present).toContain(second.report.kept);
    expect(present).not.toContain(first.report.kept);
    expect(
      await withClient(bed.env, name, async (client) => (await client.query('SELECT * FROM one')).rows),
    ).toEqual([{ one: 1 }]);
  },
);
