import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/catalog/manifest.ts';
import { during } from '../support/during.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import { UNRESTORABLE_SCHEMA } from '../support/unrestorable-schema.ts';

const signal = new AbortController().signal;
const OVERWRITE = { ifAbsent: false, contentType: 'application/octet-stream', signal };

/** Rows enough for checkpoints within them. */
const WIDE = `CREATE TABLE wide AS
  SELECT g AS id, repeat(md5(g::text), 300) AS body FROM generate_series(1, 5000) g`;

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
});
afterEach(() => bed.close());

async function backUp(): Promise<string> {
  const { stdout, stderr } = await bed.run(['backup', '--json', '--quiet']);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { id: string }).id;
}

async function read(key: string): Promise<Buffer> {
  return Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
}

async function rewrite(id: string, part: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const key = `backup/postgres-backup-${id}.${part}`;
  await bed.store.put(key, change(await read(key)), OVERWRITE);
}

/** Writes another byte into the row `surface`. */
const damageRow = (id: string) =>
  rewrite(id, 'sql', (bytes) => Buffer.from(bytes.toString().replace('\nsurface\n', '\nsurfaxe\n')));

type Checkpoint = Manifest['tables'][number]['checkpoints'][number];

/** Writes other values into the first checkpoint of each table. */
const rewriteCheckpoints = (id: string, change: (mark: Checkpoint) => Partial<Checkpoint>) =>
  rewrite(id, 'manifest.json', (bytes) => {
    const manifest = decodeManifest('it', bytes.toString());
    const tables = manifest.tables.map((table) => ({
      ...table,
      checkpoints: table.checkpoints.map((mark, at) => (at === 0 ? { ...mark, ...change(mark) } : mark)),
    }));
    return encodeManifest({ ...manifest, tables });
  });

function alterOnce(from: string, to: string, after = 0): void {
  const altered = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
  const what = { kind: 'alter', to: altered } as const;
  bed.server.faults.push({ operation: 'GetObject', key: /\.(sql|dump)$/, times: 1, after, what });
}

const statusOf = async (...args: string[]) => (await bed.run(args)).status;

test('a fault whose message quotes a row of megabytes is told in short, and kept', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 1 AS id, repeat('a', 3000000) AS body");
  const older = await backUp();
  const newer = await backUp();
  await rewrite(newer, 'sql', (bytes) => {
    bytes[1_000_000] = 0x0a;
    return bytes;
  });
  const drilled = await bed.run(['verify', '--restore', '--quiet']);
  expect(drilled.status).toBe(3);
  expect(drilled.stdout.length).toBeLessThan(5000);
  expect(await statusOf('health')).toBe(1);
  const planned = await bed.run(['prune', '--max-backups', '1', '--dry-run']);
  expect(planned.stdout + planned.stderr).toContain('nothing to delete');
  const restored = await bed.run(['restore', newer, '--yes', '--no-audit']);
  expect(restored.status).toBe(1);
  expect(restored.stderr.length).toBeLessThan(5000);
  expect(restored.stderr).toContain('characters)');
  expect((await bed.run(['restore', '--latest', '--dry-run', '--no-audit'])).stdout).toContain(older);
});

test('a record that cannot be read is not taken for no fault', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
  const older = await backUp();
  const newer = await backUp();
  await damageRow(newer);
  expect(await statusOf('verify', '--quiet')).toBe(3);
  bed.server.faults.push({
    operation: 'GetObject',
    key: /verified\.json/,
    what: { kind: 'alter', to: (bytes) => bytes.subarray(0, -1) },
  });
  const unknown = `${newer} was found faulty is unknown: the record of its verifications`;
  expect((await bed.run(['restore', '--latest', '--dry-run', '--no-audit'])).stderr).toContain(unknown);
  expect(await statusOf('prune', '--max-backups', '1', '--yes')).toBe(0);
  const health = await bed.run(['health']);
  expect({ status: health.status, said: health.stdout + health.stderr }).toMatchObject({ status: 1 });
  expect(health.stdout + health.stderr).toContain(unknown);
  // The object is another one than was written.
  expect(await statusOf('verify', '--quick')).toBe(3);
  const listed = (await bed.run(['list'])).stdout;
  expect(listed).toMatch(new RegExp(`${newer} .*unreadable`));
  expect(listed).toContain(older);
  bed.server.faults.length = 0;
  // Nothing has replaced what could not be read.
  expect((await bed.run(['list'])).stdout).toMatch(new RegExp(`${newer} .*FAULTY \\(full`));
});

test.each<[string, (mark: Checkpoint) => Partial<Checkpoint>]>([
  ['CRC-32', ({ crc32 }) => ({ crc32: crc32 ^ 1 })],
  ['place', ({ offset }) => ({ offset: offset + 100 })],
  ['number of rows', ({ rows }) => ({ rows: rows + 1 })],
])(
  'a checkpoint of another %s is found by a drill too, and once it is known, restored around',
  async (_, change) => {
    await bed.database.query(WIDE);
    await backUp();
    const newer = await backUp();
    await rewriteCheckpoints(newer, change);
    const restore = ['restore', '--latest', '--yes', '--no-audit', '--jobs', '2'];
    const unknown = await bed.run(restore);
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain(`verify ${newer}`);
    expect(unknown.stderr).toContain('the next restore reads each table in one piece');
    const drilled = await bed.run(['verify', '--restore', '--json', '--quiet']);
    expect(drilled.status).toBe(3);
    expect(JSON.parse(drilled.stdout)).toMatchObject({
      id: newer,
      depth: 'full',
      faults: [{ what: 'manifest', where: 'public.wide, checkpoint 1' }],
    });
    const known = await bed.run(restore);
    expect(known).toMatchObject({ status: 0 });
    expect(known.stdout).toContain(newer);
  },
);

test('a wrong checkpoint beside what the server of a drill lacks is not taken for damage', async () => {
  const role = `drill_${bed.database.name}`;
  await bed.database.query(`${WIDE}; CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x';
    ALTER TABLE wide OWNER TO ${role}; CREATE EXTENSION pageinspect`);
  try {
    await backUp();
    const newer = await backUp();
    await rewriteCheckpoints(newer, ({ crc32 }) => ({ crc32: crc32 ^ 1 }));
    const { POSTGRES_HOST: host, POSTGRES_PORT: port } = bed.env;
    const drilled = await bed.run(['verify', '--restore'], {
      VERIFY_DATABASE_URL: `postgres://${role}:x@${host}:${port}/postgres`,
    });
    expect(drilled).toMatchObject({ status: 1 });
    expect(drilled.stderr).toContain('pageinspect');
    const chosen = await bed.run(['restore', '--latest', '--dry-run', '--no-audit']);
    expect(chosen.stdout).toContain(newer);
  } finally {
    await bed.database.query(`ALTER TABLE wide OWNER TO CURRENT_USER; DROP ROLE ${role}`);
  }
});

test.each([
  ['a row', ['--restore'], '\nsurface\n', '\nsurfaxe\n'],
  ['a statement', ['--restore'], 'CREATE TABLE', 'CREATE TABEL'],
  ['the structure', ['--restore'], "SET client_encoding = 'UTF8'", "SET client_encoding = 'UTF8 "],
  ['a row', [], '\nsurface\n', '\nsurfaxe\n'],
  ['the end', [], 'PostgreSQL database dump complete', 'PostgreSQL database dump complexe'],
])(
  '%s that is altered once on its way (verify %j) proves nothing, neither way',
  async (_, flags, from, to) => {
    await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
    await backUp();
    alterOnce(from, to);
    const verified = await bed.run(['verify', ...flags, '--quiet']);
    expect(verified.status).toBe(1);
    expect(verified.stderr).toMatch(
      /^topobank-backup: cannot verify .*: its bytes differ from one reading to the next \(/,
    );
    const [listed] = JSON.parse((await bed.run(['list', '--json'])).stdout) as { verified: unknown }[];
    expect(listed!.verified).toBeNull();
    expect(await statusOf('verify', ...flags, '--quiet')).toBe(0);
  },
);

test('a dump in the custom format that is altered once on its way to a drill is not called unrestorable', async () => {
  await bed.database.query('CREATE TABLE t AS SELECT 4242424242 AS a');
  const dump = await runPgDump(bed.env, ['--format=custom', '--compress=0', bed.database.name]);
  await bed.store.put('foreign/postgres-backup-20200101000000.dump', dump, OVERWRITE);
  const verify = () => bed.run(['verify', '--restore', '--quiet', '--prefix', 'foreign/']);
  // It is read once to look at it, and again to restore it.
  alterOnce('4242424242', '424x424242', 1);
  expect(await verify()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/its bytes differ from one reading to the next \(.*424x424242/),
  });
  expect(await verify()).toMatchObject({ status: 0 });
});

test('what PostgreSQL prints otherwise after a reload is no fault, and keeps no restore in place', async () => {
  await bed.database.query(`
    CREATE TABLE t (id int, status varchar(20) CHECK (status IN ('draft', 'it''s final')));
    CREATE VIEW v AS SELECT id FROM t WHERE status IN ('draft', 'other');
    CREATE INDEX part ON t (id) WHERE status IN ('a', 'b');
    CREATE TABLE others (s varchar(9) CHECK (s IN ('a', NULL)), r varchar(9) CHECK (r IN ('a', lower('B'))),
      q varchar(9) CHECK (q IN ('a', 'b'::varchar(1))));
    CREATE STATISTICS known ON (status IN ('a', 'b')), (status NOT IN ('c', 'd')) FROM t;
    CREATE TABLE numbers (n numeric CHECK (n = ANY (ARRAY[5, -10])), f float8 CHECK (f = ANY (ARRAY[0.5, 1.0])));
    CREATE TABLE texts (a varchar, b varchar, w text CHECK (w = ANY (ARRAY[a, b])),
      c char(1) CHECK (c = ANY (ARRAY['a', 'b']::varchar[])), l varchar CHECK (l IN ('a' COLLATE "C", 'b')),
      m varchar CHECK (m IN ('(ARRAY[1])::text[]', '(ARRAY[x')), CONSTRAINT "odd (ARRAY[" CHECK (a IN ('a', 'c')));
    CREATE VIEW chosen AS SELECT * FROM texts
      WHERE a = ANY (ARRAY[CASE WHEN b = 'a' THEN 'x'::varchar ELSE a END, 'z'::varchar]);
    INSERT INTO t VALUES (1, 'draft')`);
  await backUp();
  expect(await bed.run(['verify', '--restore', '--quiet'])).toMatchObject({ status: 0 });
  const restored = await bed.run(['restore', '--latest', '--in-place', '--yes', '--no-audit']);
  expect(restored).toMatchObject({ status: 0 });
});

test.each(['plain', 'custom'])(
  'a foreign dump (%s) that a server refuses is refused, not altered',
  async (format) => {
    await bed.database.query(UNRESTORABLE_SCHEMA);
    const dump = await runPgDump(bed.env, [`--format=${format}`, bed.database.name]);
    const key = `foreign/postgres-backup-20200101000000.${format === 'plain' ? 'sql' : 'dump'}`;
    await bed.store.put(key, dump, OVERWRITE);
    const drilled = await bed.run(['verify', '--restore', '--json', '--quiet', '--prefix', 'foreign/']);
    expect(drilled.status).toBe(3);
    expect(JSON.parse(drilled.stdout)).toMatchObject({ depth: 'restore', faults: [{ what: 'restore' }] });
  },
);

test.each([
  ['the first', false],
  ['another', true],
])('a fault that is recorded before %s result arrives stays recorded', async (_, isRecorded) => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
  await backUp();
  const newer = await backUp();
  if (isRecorded) expect(await bed.run(['verify', newer, '--quick'])).toMatchObject({ status: 0 });
  let found: number | null = null;
  during(bed, { operation: 'PutObject', key: /verified\.json$/ }, async () => {
    await damageRow(newer);
    found = await statusOf('verify', newer, '--quiet');
  });
  await bed.run(['verify', newer, '--quick', '--quiet']);
  expect(found).toBe(3);
  expect((await bed.run(['list'])).stdout).toMatch(new RegExp(`${newer} .*FAULTY \\(full`));
});

test('what is found of a dump that has been replaced since is not recorded', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
  const id = await backUp();
  during(bed, { operation: 'HeadObject', key: /\.sql$/, after: 1 }, () => damageRow(id));
  expect(await bed.run(['verify', id])).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/is not recorded: backup\/\S+\.sql has been replaced since\n/),
  });
  expect((await bed.keys()).filter((key) => key.endsWith('verified.json'))).toEqual([]);
});

test('a backup that is pruned while what was found of it is recorded leaves nothing', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
  const older = await backUp();
  await backUp();
  let pruned: number | null = null;
  during(bed, { operation: 'PutObject', key: /verified\.json$/ }, async () => {
    pruned = await statusOf('prune', '--max-backups', '1', '--yes');
  });
  expect(await bed.run(['verify', older, '--quiet'])).toMatchObject({ status: 0, stderr: '' });
  expect(pruned).toBe(0);
  expect((await bed.keys()).filter((key) => key.includes(older))).toEqual([]);
});

test('of two dumps of one time each has a record of its own', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
  const older = await backUp();
  const newer = await backUp();
  const packed = gzipSync(await read(`backup/postgres-backup-${newer}.sql`));
  await bed.store.put(`backup/postgres-backup-${newer}.sql.gz`, packed, OVERWRITE);
  await damageRow(newer);
  expect(await statusOf('verify', '--all', '--quiet')).toBe(3);
  expect(await statusOf('verify', '--all', '--quiet')).toBe(3);
  const listed = JSON.parse((await bed.run(['list', '--json'])).stdout) as {
    id: string;
    verified: { ok: boolean } | null;
  }[];
  expect(listed.map(({ id, verified }) => [id, verified?.ok])).toEqual([
    [newer, false],
    [newer, true],
    [older, true],
  ]);
  await bed.run(['prune', '--max-backups', '1', '--shrink-guard', '0', '--yes']);
  expect(await bed.run(['restore', '--latest', '--dry-run', '--no-audit'])).toMatchObject({ status: 0 });
});

test('a manifest that cannot be read is a fault that its repair undoes', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
  await backUp();
  const newer = await backUp();
  await damageRow(newer);
  expect(await statusOf('verify', '--quiet')).toBe(3);
  let manifest: Buffer = Buffer.alloc(0);
  await rewrite(newer, 'manifest.json', (bytes) => {
    manifest = bytes;
    return Buffer.from('{bad');
  });
  expect(await statusOf('verify', newer, '--restore', '--quiet')).toBe(3);
  await rewrite(newer, 'manifest.json', () => manifest);
  expect((await bed.run(['list'])).stdout).toMatch(new RegExp(`${newer} .*FAULTY \\(full`));
});

test('damage that is found takes the place of a record that cannot be read', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a");
  const older = await backUp();
  const newer = await backUp();
  await damageRow(newer);
  const key = `backup/postgres-backup-${newer}.verified.json`;
  await bed.store.put(key, Buffer.from('{"format":2'), OVERWRITE);
  expect(await statusOf('verify', '--quiet')).toBe(3);
  expect((await bed.run(['list'])).stdout).toMatch(new RegExp(`${newer} .*FAULTY \\(full`));
  const chosen = await bed.run(['restore', '--latest', '--dry-run', '--no-audit']);
  expect(chosen.stdout).toContain(older);
});

test('a compressed dump that is altered once on its way is not refused for good', async () => {
  await bed.database.query(
    'CREATE TABLE t AS SELECT g AS id, md5(g::text) AS a FROM generate_series(1, 50000) g',
  );
  const dump = await runPgDump(bed.env, [bed.database.name]);
  const key = 'foreign/postgres-backup-20200101000000.sql.gz';
  // Not compressed within, so that a byte of it is one of the text.
  await bed.store.put(key, gzipSync(dump, { level: 0 }), OVERWRITE);
  const altered = (bytes: Buffer) => {
    const at = bytes.indexOf('\n100\t');
    return at < 0
      ? bytes
      : Buffer.concat([bytes.subarray(0, at + 1), Buffer.from('x'), bytes.subarray(at + 2)]);
  };
  const what = { kind: 'alter', to: altered } as const;
  bed.server.faults.push({ operation: 'GetObject', key: /\.gz$/, after: 1, times: 1, what });
  const drilled = await bed.run(['verify', '--restore', '--quiet', '--prefix', 'foreign/']);
  expect(drilled).toMatchObject({ status: 1 });
  expect(drilled.stderr).toContain('differ from one reading to the next');
});

test('two readings that find two faults prove neither', async () => {
  await bed.database.query("CREATE TABLE t AS SELECT 'surface' AS a; CREATE TABLE u AS SELECT 'tool' AS a");
  await backUp();
  alterOnce('\nsurface\n', '\nsurfaxe\n');
  alterOnce('\ntool\n', '\ntoil\n');
  const verified = await bed.run(['verify', '--quiet']);
  expect(verified.status).toBe(1);
  expect(verified.stderr).toContain('differ from one reading to the next');
  expect(await statusOf('verify', '--quiet')).toBe(0);
});

test('a fault that is recorded while another verification reads stays recorded', async () => {
  await bed.database.query(UNRESTORABLE_SCHEMA);
  const id = await backUp();
  let drilled: number | null = null;
  during(bed, { operation: 'GetObject', key: /\.sql$/ }, async () => {
    drilled = await statusOf('verify', '--restore', '--quiet');
  });
  expect(await bed.run(['verify', '--quiet'])).toMatchObject({ status: 0 });
  expect(drilled).toBe(3);
  expect((await bed.run(['list'])).stdout).toMatch(new RegExp(`${id} .*FAULTY \\(restore`));
});
