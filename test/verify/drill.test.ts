import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import type { Fault } from '../../src/catalog/verification.ts';
import { drillDatabase } from '../../src/commands/drill-database.ts';
import { openSecretFiles } from '../../src/config/secret-files.ts';
import { scanDump } from '../../src/dump/scanner.ts';
import type { Database } from '../../src/postgres/database.ts';
import { createBars } from '../../src/ui/bars.ts';
import { drill as drillDump } from '../../src/verify/drill.ts';
import { withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { dumpText, entry, textSource } from '../support/dump-text.ts';
import { fakePgDump } from '../support/fake-pg-dump.ts';
import { nastySchema } from '../support/nasty-schema.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { startService } from '../support/running-service.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;

/** Rows of widths that differ, so that a server that fills gaps in its pages puts them in another order. */
const UNEVEN =
  "CREATE TABLE uneven AS SELECT g AS id, repeat('x', (g * 7919) % 1500) AS body FROM generate_series(1, 1000) g";

let bed: TestBed;
let id: string;
let fakes = 0;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`
    ${nastySchema(inject('postgresMajor'))}
    ${UNEVEN};
    CREATE TABLE "uneven, in
      two lines" AS SELECT * FROM uneven;
    CREATE TABLE surface (id bigserial PRIMARY KEY, name text NOT NULL, data bytea DEFAULT '\\x00ff');
    INSERT INTO surface (name) SELECT 'surface ' || g FROM generate_series(1, 1000) g;
    SELECT setval('surface_id_seq', 5000, false);
    CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    INSERT INTO parts VALUES (1, '2026-01-05'), (2, '2026-01-04');
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM surface;
    GRANT SELECT ON surface TO PUBLIC;
    ALTER DATABASE ${bed.database.name} SET bytea_output = 'escape'`);
  const { stdout } = await bed.run(['backup', '--json', '--quiet']);
  ({ id } = JSON.parse(stdout) as { readonly id: string });
});

afterEach(async () => {
  bed.server.faults.length = 0;
  expect(await bed.databases()).toEqual([bed.database.name]);
});

afterAll(() => bed.close());

interface Drilled {
  readonly status: number | null;
  readonly document: { readonly id: string; readonly ok: boolean; readonly faults: readonly Fault[] };
  readonly stderr: string;
}

async function drill(
  args: readonly string[] = [],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Drilled> {
  const { status, stdout, stderr } = await bed.run(['verify', '--restore', '--json', ...args], env);
  return { status, stderr, document: JSON.parse(stdout) as Drilled['document'] };
}

const put = (key: string, body: string | Buffer) =>
  bed.store.put(key, Buffer.from(body), { ifAbsent: false, contentType: 'application/sql', signal });

async function read(key: string): Promise<Buffer> {
  return Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
}

/** What is recorded of verifications beside the backup. */
async function record(): Promise<string | undefined> {
  const [key] = (await bed.keys()).filter((each) => each.endsWith(`${id}.verified.json`));
  return key === undefined ? undefined : String(await read(key));
}

/** A database on a server that says that it is newer than any pg_dump. */
function asNewer(database: Database): Database {
  return {
    ...database,
    use: (name, by, work) =>
      database.use(name, by, (client) => {
        const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
        const asked = (...args: unknown[]) =>
          query(
            ...args.map((each) =>
              typeof each === 'string' ? each.replace(VERSION, "'990001' AS number") : each,
            ),
          );
        return work(Object.assign(client, { query: asked }) as pg.Client);
      }),
  };
}
const VERSION = "current_setting('server_version_num') AS number";

/** A pg_dump that changes what the real one writes, or does something else. */
function pgDumpThat(script: (real: string) => string): { PG_BINDIR: string } {
  const real = join(bed.env.PG_BINDIR!, 'pg_dump');
  const name = `bin-${++fakes}`;
  return { PG_BINDIR: fakePgDump(bed.directory, name, script(real)) };
}

test('a backup restores and dumps again to the same bytes', async () => {
  const { status, document } = await drill();
  expect(document).toMatchObject({ id, depth: 'restore', ok: true, faults: [] });
  expect(status).toBe(0);
  const { stdout } = await bed.run(['verify', id, '--restore', '--quiet']);
  expect(stdout).toMatch(
    /^\d{14} is good \(restore\)\n {2}proved: PostgreSQL \d+ restores it; dumped again, its schema and all \d+ tables are identical byte for byte\n {2}not proved: that the application works with it\n$/,
  );
  const listed = JSON.parse((await bed.run(['list', '--json'])).stdout) as unknown[];
  expect(listed[0]).toMatchObject({ verified: { depth: 'restore', ok: true } });
});

test.each([
  ["ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", nastySchema(inject('postgresMajor'))],
  [
    "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    `CREATE TABLE "größe" (a text); INSERT INTO "größe" VALUES (E'\\\\xff'), ('é')`,
  ],
])('in another encoding too: %s', async (options, schema) => {
  const other = await createTestBed(inject('postgres'), options);
  try {
    await other.database.query(`${schema}; ${UNEVEN}`);
    expect((await other.run(['backup', '--quiet'])).status).toBe(0);
    const { stdout } = await other.run(['verify', '--restore', '--json', '--quiet']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, faults: [] });
    expect(await other.databases()).toEqual([other.database.name]);
  } finally {
    await other.close();
  }
});

test('of partitions by the hash of an enum, which no two databases have alike, the rows are counted', async () => {
  const other = await createTestBed(inject('postgres'));
  try {
    // So many that they do not fall into the same partitions by chance.
    const labels = Array.from({ length: 40 }, (_, at) => `'kind ${at}'`).join(', ');
    await other.database.query(`
      CREATE TYPE kind AS ENUM (${labels});
      CREATE TABLE hashed (kind kind, id int) PARTITION BY HASH (kind);
      CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO hashed SELECT (enum_range(NULL::kind))[1 + g % 40], g FROM generate_series(1, 1000) g`);
    expect((await other.run(['backup', '--quiet'])).status).toBe(0);
    const { status, stdout } = await other.run(['verify', '--restore', '--quiet']);
    expect(stdout).toContain(
      'not proved: the bytes of the rows of public.hashed, which the dump holds in several',
    );
    expect(status).toBe(0);
  } finally {
    await other.close();
  }
});

test('queries that are printed otherwise once they have been read are no fault', async () => {
  const other = await createTestBed(inject('postgres'));
  try {
    await other.database.query(
      `CREATE TABLE t (a text, b int);
       ALTER TABLE t ENABLE ROW LEVEL SECURITY;
       CREATE VIEW found AS SELECT * FROM t WHERE EXISTS (SELECT 'x' FROM t) OR EXISTS (SELECT NULL, -1);
       CREATE VIEW listed AS SELECT * FROM t WHERE a IN (SELECT 'a' UNION SELECT 'b' COLLATE "C");
       CREATE MATERIALIZED VIEW first AS SELECT 'x' UNION SELECT 'y' UNION SELECT coalesce((SELECT 'q'), 'z');
       CREATE VIEW joined AS SELECT t.a FROM t NATURAL LEFT JOIN (SELECT 5 AS c) u;
       CREATE VIEW numbers AS SELECT 1 AS a UNION ALL VALUES (2), (3);
       CREATE POLICY p ON t USING (EXISTS (SELECT '2026-01-01'::date, 10000000000));
       CREATE RULE r AS ON DELETE TO numbers DO INSTEAD UPDATE t SET (a, b) = (SELECT 'x', 3);
       ${
         inject('postgresMajor') < 14
           ? ''
           : `CREATE FUNCTION f() RETURNS text LANGUAGE sql RETURN (SELECT 'x');
              CREATE FUNCTION g() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT 'x' UNION VALUES ('y'), ('z'); END;`
       }`,
    );
    expect((await other.run(['backup', '--quiet'])).status).toBe(0);
    const { status, stdout } = await other.run(['verify', '--restore', '--quiet']);
    expect(stdout).toMatch(/ its schema and the rows of its one table are identical byte for byte\n/);
    expect(stdout).toContain('not proved: that the application works with it\n');
    expect(status).toBe(0);
  } finally {
    await other.close();
  }
});

test('a table that inherits and whose columns a restore puts in another order is told of', async () => {
  const other = await createTestBed(inject('postgres'));
  try {
    await other.database.query(
      `CREATE TABLE p (id int);
       CREATE TABLE c (extra text) INHERITS (p);
       ALTER TABLE p ADD newcol int;
       INSERT INTO c VALUES (1, 'a', 2)`,
    );
    expect((await other.run(['backup', '--quiet'])).status).toBe(0);
    const { status, stdout } = await other.run(['verify', '--restore', '--quiet']);
    expect(stdout).toMatch(
      /^ {2}table public\.c: expected sha256:[0-9a-f]{12}…, found sha256:[0-9a-f]{12}…\n/m,
    );
    expect(status).toBe(3);
  } finally {
    await other.close();
  }
});

const SHA256 = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string;

test.each<[about: string, sed: string, faults: readonly Fault[]]>([
  [
    'a row is another one',
    's/surface 777\\t/surface 778\\t/',
    [{ what: 'table', where: 'public.surface', expected: SHA256, found: SHA256 }],
  ],
  [
    'a row is missing',
    '/surface 777\\t/d',
    [
      { what: 'table', where: 'public.surface', expected: '1000 rows', found: '999 rows' },
      { what: 'table', where: 'public.surface', expected: SHA256, found: SHA256 },
    ],
  ],
  [
    'an index is another one',
    's/CREATE INDEX "i;" ON/CREATE INDEX "j;" ON/',
    [{ what: 'schema', where: 'INDEX public.i;', expected: SHA256, found: SHA256 }],
  ],
  [
    'an entry is another one',
    's/-- Name: counted; Type: MATERIALIZED VIEW;/-- Name: other; Type: MATERIALIZED VIEW;/',
    [
      { what: 'schema', where: 'MATERIALIZED VIEW public.counted', expected: SHA256, found: 'nothing' },
      { what: 'schema', where: 'MATERIALIZED VIEW public.other', expected: 'nothing', found: SHA256 },
    ],
  ],
  [
    'a sequence stands elsewhere',
    's/surface_id_seq., 5000, false/&ly/',
    [{ what: 'schema', where: 'SEQUENCE SET public.surface_id_seq', expected: SHA256, found: SHA256 }],
  ],
])('when %s in the restored database, that is named', async (_, sed, faults) => {
  const env = pgDumpThat((real) => `"${real}" "$@" | LC_ALL=C sed -e '${sed}'`);
  const { status, document } = await drill([], env);
  expect(document).toMatchObject({ id, ok: false, faults });
  expect(status).toBe(3);
});

test('bytes that are other ones than were dumped are told as such', async () => {
  const key = `backup/postgres-backup-${id}.sql`;
  const whole = await read(key);
  const at = whole.indexOf('surface 777');
  const changed = Buffer.from(whole);
  changed[at] = 0x53;
  await put(key, changed);
  const first = await drill();
  expect(first.document.faults).toMatchObject([{ what: 'table', expected: SHA256, found: SHA256 }]);
  // A number that is none is refused by the server, and why is seen in the bytes.
  const refused = Buffer.from(whole);
  refused[whole.lastIndexOf('\n', at) + 1] = 0x78;
  await put(key, refused);
  const second = await drill();
  expect(second.document.faults).toMatchObject([
    { what: 'table', where: expect.stringMatching(/^public\.surface, bytes /) },
    {
      what: 'restore',
      expected: 'a dump that the server accepts',
      found: expect.stringMatching(/invalid input/),
    },
  ]);
  expect([first.status, second.status]).toEqual([3, 3]);
  await put(key, whole);
});

describe('dumps without a manifest', () => {
  const KEY = 'foreign/postgres-backup-20200101000000';
  const FOREIGN = ['--prefix', 'foreign/'];

  afterEach(async () => {
    const keys = (await bed.keys()).filter((key) => key.startsWith('foreign/'));
    await bed.store.remove(keys, signal);
  });

  const pgDump = (...args: string[]) => runPgDump(bed.env, [...args, bed.database.name]);

  const drilled = async () => (await bed.run(['verify', '--restore', '--quiet', ...FOREIGN])).stdout;

  test.each([
    ['sql', 'plain'],
    ['sql.gz', 'plain'],
    ['dump', 'custom'],
  ])('a .%s is drilled against what it says itself', async (suffix, format) => {
    const dump = await pgDump(`--format=${format}`);
    await put(`${KEY}.${suffix}`, suffix === 'sql.gz' ? gzipSync(dump) : dump);
    expect(await drilled()).toMatch(/ is good \(restore\)\n.* its schema and all \d+ tables are identical/);
  });

  test('its options are not known, so another text is no fault of it', async () => {
    await put(`${KEY}.sql`, await pgDump('--no-owner'));
    expect(await drilled()).toMatch(
      / is good \(restore\)\n.* dumped again, all \d+ tables are identical byte for byte\n {2}not proved: the schema’s text \(schema .*\), because the options of the dump are unknown\n/,
    );
  });

  test('rows that it has through a partitioned table are counted', async () => {
    await put(`${KEY}.sql`, await pgDump('--load-via-partition-root'));
    expect(await drilled()).toMatch(
      / is good \(restore\)\n.*\n {2}not proved: the bytes of the rows of public\.parts, which the dump holds in several pieces or partitions/,
    );
  });

  test('rows that it has as INSERT are not compared', async () => {
    await put(
      `${KEY}.sql`,
      dumpText(`${entry('TABLE', 't')}CREATE TABLE public.t (a int);\nINSERT INTO public.t VALUES (1);`),
    );
    expect(await drilled()).toMatch(
      /not proved: the rows of public\.t, which the dump does not contain as COPY data/,
    );
  });

  test.each([
    ['CREATE TABEL public.t ();', 'restore', 'syntax error at or near "TABEL"'],
    ['CREATE TABLE public.t (', 'structure', 'it ends inside the statement'],
    ['DROP DATABASE postgres;', 'restore', 'DROP DATABASE, which reaches beyond the database'],
  ])('%s is a fault of it', async (body, what, found) => {
    const server = `${inject('postgresMajor')}.1`;
    await put(`${KEY}.sql`, dumpText(`${entry('TABLE', 't')}${body}`, { server }));
    const { status, document } = await drill(FOREIGN);
    expect(document.faults).toMatchObject([{ what, found: expect.stringContaining(found) }]);
    expect(status).toBe(3);
  });

  test('a .dump that is cut off is a fault of it', async () => {
    const dump = await pgDump('--format=custom');
    await put(`${KEY}.dump`, dump.subarray(0, dump.length / 2));
    const { status, document } = await drill(FOREIGN);
    expect(document.faults).toMatchObject([
      { what: 'structure', found: expect.stringMatching(/pg_restore: exit status 1, .*/) },
    ]);
    expect(status).toBe(3);
  });

  test('roles that the server does not have are none, and nothing is recorded', async () => {
    await put(
      `${KEY}.sql`,
      dumpText(`${entry('SCHEMA', 's', '-')}CREATE SCHEMA s;\nALTER SCHEMA s OWNER TO nobody_here;`),
    );
    const { status, stderr } = await bed.run(['verify', '--restore', '--quiet', ...FOREIGN]);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /it names a role that this server does not have: "nobody_here" — create it with CREATE ROLE\n$/,
    );
    expect(await bed.keys()).not.toContain(`${KEY}.verified.json`);
  });
});

test('a pg_dump that fails is no fault of the backup', async () => {
  const before = await bed.keys();
  const env = pgDumpThat((real) => `"${real}" "$@" | head -c 5000; echo 'it broke' >&2; exit 3`);
  const { status, stderr } = await bed.run(['verify', '--restore', '--quiet'], env);
  expect(status).toBe(1);
  expect(stderr).toMatch(/cannot dump database t_\w+_restore_\d{14} on \S+: .* exit status 3, it broke — /);
  expect(await bed.keys()).toEqual(before);
});

test('without a pg_dump for the server, nothing is restored', async () => {
  const { log, lines } = keepingLog();
  const source = textSource(dumpText('CREATE TABLE public.t ();'));
  const context = {
    database: asNewer(bed.tool),
    binDir: bed.env.PG_BINDIR,
    env: process.env,
    now: () => new Date(),
    log,
    startProgress: noProgress,
    scanDump,
  };
  await expect(drillDump(context, source, signal)).rejects.toMatchObject({
    name: 'DatabaseError',
    message: expect.stringMatching(
      /^cannot choose a pg_dump for PostgreSQL 99: .* — install the package postgresql-client-99, or set PG_BINDIR to its directory$/,
    ),
  });
  expect(lines).toEqual([]);
});

test('a session that is ended is no fault of the backup', async () => {
  const before = await record();
  const ended = deferred<void>();
  const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    times: 1,
    what: {
      kind: 'hold',
      until: ended.promise,
      onHeld: () =>
        void admin(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(datname, '${bed.database.name}_restore_')`,
        ).then(() => ended.resolve()),
    },
  });
  const { status, stderr } = await bed.run(['verify', '--restore', '--quiet']);
  expect(stderr).toMatch(
    /^topobank-backup: cannot .* — the connection to the server was lost; see its log and run again\n$/,
  );
  expect(status).toBe(1);
  expect(await record()).toEqual(before);
});

test('stopped while it restores, it leaves no scratch database', async () => {
  let child: { kill(name: NodeJS.Signals): unknown } | undefined;
  let seen: string[] = [];
  const onHeld = async () => {
    seen = await bed.databases();
    child?.kill('SIGTERM');
  };
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    what: { kind: 'hold', until: new Promise(() => {}), onHeld: () => void onHeld() },
  });
  const result = await bed.run(['verify', '--restore'], {}, { onSpawn: (spawned) => (child = spawned) });
  expect(seen).toEqual([bed.database.name, expect.stringMatching(/_restore_\d{14}$/)]);
  expect(result).toMatchObject({ status: 143, stdout: '' });
});

test('stopped while it dumps again, it leaves neither pg_dump nor a scratch database', async () => {
  const started = join(bed.directory, 'started');
  const env = pgDumpThat(() => `echo $$ > '${started}'; exec sleep 600`);
  let child: { kill(name: NodeJS.Signals): unknown } | undefined;
  const running = bed.run(['verify', '--restore'], env, { onSpawn: (spawned) => (child = spawned) });
  await vi.waitFor(() => expect(existsSync(started)).toBe(true), 60_000);
  child?.kill('SIGTERM');
  expect(await running).toMatchObject({ status: 143, stdout: '' });
});

test('a scratch database that a killed drill has left is told of', async () => {
  const left = `${bed.database.name}_restore_20200101000000`;
  await withClient(bed.env, 'postgres', (client) => client.query(`CREATE DATABASE ${left}`));
  try {
    const { stderr } = await drill();
    expect(stderr).toMatch(
      new RegExp(`WARN.*: database ${left} belongs to a restore that failed, was killed.*DROP DATABASE`),
    );
  } finally {
    await withClient(bed.env, 'postgres', (client) => client.query(`DROP DATABASE ${left}`));
  }
});

describe('VERIFY_DATABASE_URL', () => {
  const NONE = Object.fromEntries(
    ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB'].map((name) => [
      name,
      undefined,
    ]),
  );
  const url = (password: string) => {
    const { POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER } = bed.env;
    return `postgresql://${POSTGRES_USER}:${password}@${POSTGRES_HOST}:${POSTGRES_PORT}/postgres?sslmode=disable`;
  };

  test('names the server of the drill; the database’s own is not asked', async () => {
    const env = { ...NONE, VERIFY_DATABASE_URL: url(bed.env.POSTGRES_PASSWORD!) };
    expect(await drill([], env)).toMatchObject({ status: 0, document: { ok: true } });
  });

  test('a role that may not do what the dump asks for is no fault of the backup', async () => {
    const role = `${bed.database.name}_plain`;
    const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));
    await admin(`CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'`);
    try {
      const before = await record();
      const VERIFY_DATABASE_URL = url('x').replace(`//${bed.env.POSTGRES_USER}:`, `//${role}:`);
      const result = await bed.run(['verify', '--restore', '--quiet'], { ...NONE, VERIFY_DATABASE_URL });
      expect(result).toMatchObject({ status: 1, stdout: '' });
      expect(result.stderr).toMatch(
        /^topobank-backup: cannot try to restore \S+\.sql: line \d+, .* — make sure the server of the drill can restore it, or set VERIFY_DATABASE_URL to another one\n$/,
      );
      expect(await record()).toEqual(before);
    } finally {
      await admin(`DROP ROLE ${role}`);
    }
  });

  test('a database in it that is not there is told as such', async () => {
    const VERIFY_DATABASE_URL = url(bed.env.POSTGRES_PASSWORD!).replace('/postgres?', '/nowhere?');
    const { stderr } = await bed.run(['verify', '--restore', '--quiet'], { ...NONE, VERIFY_DATABASE_URL });
    expect(stderr).toMatch(/database "nowhere" does not exist — set VERIFY_DATABASE_URL to a database that/);
  });

  test.each([
    ['mysql://a:wr0ng@b/c', 2],
    ['postgresql://a:wr0ng@b/c?host=d', 2],
    ['postgresql:///c', 2],
    [undefined, 1],
  ])('and its password is told nowhere: %s', async (given, status) => {
    const env = { ...NONE, VERIFY_DATABASE_URL: given ?? url('wr0ng') };
    const result = await bed.run(['verify', '--restore', '--quiet'], env);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toContain(
      status === 2 ? 'VERIFY_DATABASE_URL: the value given is not accepted' : '— check VERIFY_DATABASE_URL\n',
    );
    expect(result.stderr).not.toContain('wr0ng');
  });

  test('in a file is read again, for a service whose password is rotated', async () => {
    const role = `${bed.database.name}_rotated`;
    const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));
    const file = join(bed.directory, 'url');
    const setPassword = async (password: string) => {
      await admin(`ALTER ROLE ${role} PASSWORD '${password}'`);
      await writeFile(file, url(password).replace(`//${bed.env.POSTGRES_USER}:`, `//${role}:`));
    };
    await admin(`CREATE ROLE ${role} LOGIN`);
    try {
      await setPassword('first');
      const database = drillDatabase({
        options: {},
        flags: {},
        env: { VERIFY_DATABASE_URL_FILE: file },
        secretFiles: openSecretFiles(),
        tool: 'test',
        signal,
        bars: createBars(),
      });
      const connect = () => database.use('postgres', signal, async () => 'connected');
      expect(await connect()).toBe('connected');
      await setPassword('second');
      expect(await connect()).toBe('connected');
    } finally {
      await admin(`DROP ROLE ${role}`);
    }
  });

  test('without it and without the database’s variables, those are asked for', async () => {
    const result = await bed.run(['verify', '--restore', '--quiet'], NONE);
    expect(result).toMatchObject({ status: 2, stderr: expect.stringContaining('POSTGRES_USER is not set') });
  });
});

test('--quick and --restore cannot be combined', async () => {
  const result = await bed.run(['verify', '--quick', '--restore']);
  expect(result).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be combined') });
});

test('the service drills, where VERIFY_DEPTH asks for it', async () => {
  const env = { BACKUP_ON_START: 'never', VERIFY_SCHEDULE: '@every 1s', VERIFY_DEPTH: 'restore' };
  const service = startService(bed, env);
  await service.line(/INFO.*: backup \d{14} is good \(restore\): PostgreSQL \d+ restores it; /);
  const { status } = await service.stop();
  expect([0, 143]).toContain(status);
});

test('a dump of another major version that this one does not accept is not called faulty', async () => {
  const sql = dumpText('CREATE TABLE public.t (\n    a integer OF ITS TIME\n);\n', { server: '9.4.1' });
  const file = join(bed.directory, 'old.sql');
  await writeFile(file, sql);
  const pushed = await bed.run(['push', file, '--json', '--quiet']);
  const { id: other } = JSON.parse(pushed.stdout) as { id: string };
  const drilled = await bed.run(['verify', other, '--restore', '--quiet']);
  expect(drilled).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /^topobank-backup: cannot try to restore .*: PostgreSQL \d+ does not accept what PostgreSQL 9 dumped: line .* — set VERIFY_DATABASE_URL to a PostgreSQL 9 for the drill\n$/,
    ),
  });
  expect((await bed.keys()).filter((key) => key.includes(other))).not.toContainEqual(
    expect.stringContaining('verified'),
  );
});

test('rows that no version would take are a fault, whichever dumped them', async () => {
  const sql = dumpText(
    `${entry('TABLE', 't')}CREATE TABLE public.t (\n    a integer\n);\nCOPY public.t (a) FROM stdin;\nnot a number\n\\.\n`,
    { server: '9.4.1' },
  );
  const file = join(bed.directory, 'wrong.sql');
  await writeFile(file, sql);
  const pushed = await bed.run(['push', file, '--json', '--quiet']);
  const { id: other } = JSON.parse(pushed.stdout) as { id: string };
  const { status, document } = await drill([other]);
  expect(document.faults).toMatchObject([
    { what: 'restore', found: expect.stringContaining('not a number') },
  ]);
  expect(status).toBe(3);
});
