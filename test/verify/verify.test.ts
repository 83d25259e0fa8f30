import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { backupTime } from '../../src/catalog/backup-time.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/catalog/manifest.ts';
import type { Depth, Fault } from '../../src/catalog/verification.ts';
import { scanDump } from '../../src/dump/scanner.ts';
import type { Store, StoredObject } from '../../src/s3/store.ts';
import type { Verification } from '../../src/verify/evidence.ts';
import { verifyBackup } from '../../src/verify/verify-backup.ts';
import { deferred } from '../support/deferred.ts';
import { during } from '../support/during.ts';
import { findBackup } from '../support/find-backup.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;

let bed: TestBed;
let id: string;
/** The objects of the one backup, as they were written. */
const written = new Map<string, Buffer>();
/** Those of them that a test has changed. */
const changed = new Set<string>();
let manifest: Manifest;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`
    CREATE TABLE surface AS SELECT g AS id, 'surface ' || g AS name FROM generate_series(1, 5000) g;
    CREATE TABLE empty_one (id int);
    CREATE TABLE wide AS SELECT g AS id, repeat(md5(g::text), 300) AS body FROM generate_series(1, 2000) g;
    CREATE INDEX surface_name ON surface (name)`);
  const made = await bed.run(['backup', '--json', '--quiet']);
  ({ id } = JSON.parse(made.stdout) as { id: string });
  for (const key of await bed.keys()) written.set(key, await read(key));
  manifest = decodeManifest('it', written.get(manifestKey())!.toString());
});

/** What the tests leave is no backup any more: each begins with the one that was taken. */
beforeEach(async () => {
  const keys = await bed.keys();
  await bed.store.remove(
    keys.filter((key) => !written.has(key)),
    signal,
  );
  for (const key of changed) await put(key, written.get(key)!);
  changed.clear();
});

afterEach(() => {
  bed.server.faults.length = 0;
});

afterAll(() => bed.close());

const dumpKey = () => `backup/postgres-backup-${id}.sql`;
const manifestKey = () => `backup/postgres-backup-${id}.manifest.json`;
const recordKey = () => `backup/postgres-backup-${id}.verified.json`;
const timeOfId = () => backupTime({ id }).toISOString();
const dump = () => written.get(dumpKey())!;

async function read(key: string): Promise<Buffer> {
  return Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
}

const put = (key: string, body: string | Buffer) => {
  if (written.has(key)) changed.add(key);
  const contentType = 'application/octet-stream';
  return bed.store.put(key, Buffer.from(body), { ifAbsent: false, contentType, signal });
};

const remove = (key: string) => {
  changed.add(key);
  return bed.store.remove([key], signal);
};

async function verify(depth: Depth, store = bed.store): Promise<Verification> {
  const { log } = keepingLog();
  const context = { store, prefix: 'backup/', tool: 'test', binDir: bed.env.PG_BINDIR, env: {} };
  const backup = (await findBackup(bed.store, 'backup/', id, signal))!;
  const now = () => new Date();
  return verifyBackup({ ...context, now, log, scanDump, startProgress: noProgress }, backup, depth, signal);
}

async function verifyByProgram(...args: string[]): Promise<{ status: number | null; document: unknown }> {
  const { status, stdout, stderr } = await bed.run(['verify', ...args, '--json', '--quiet']);
  expect(stderr).toBe('');
  return { status, document: JSON.parse(stdout) };
}

const change = (from: string, to: string) => {
  const at = dump().indexOf(from);
  expect(at).toBeGreaterThan(0);
  const changed = Buffer.concat([dump().subarray(0, at), Buffer.from(to), dump().subarray(at + from.length)]);
  return changed;
};

const tableOf = (name: string) => manifest.tables.find((table) => table.name === name)!;
type Checkpoints = Manifest['tables'][number]['checkpoints'];

/** Puts a manifest in which the one long table has others. */
const putCheckpoints = (change: (checkpoints: Checkpoints) => Checkpoints) => {
  const tables = manifest.tables.map((table) => ({
    ...table,
    ...(table.name === 'wide' && { checkpoints: change(table.checkpoints) }),
  }));
  return put(manifestKey(), encodeManifest({ ...manifest, tables }));
};

const sectionOf = (name: string) => manifest.sections.find((section) => section.name === name)!;

test.each([
  ['full', [], () => ({ bytes: dump().length, tables: 3, rows: 7000 })],
  ['quick', ['--quick'], () => ({ bytes: 0, tables: 0, rows: 0 })],
] as const)('a good backup is good at depth %s', async (depth, flags, checked) => {
  const { status, document } = await verifyByProgram(...flags);
  expect(document).toEqual({ id, depth, ok: true, checked: checked(), faults: [] });
  expect(status).toBe(0);
});

test('each depth says what it proved and what it did not', async () => {
  expect((await bed.run(['verify', '--quiet'])).stdout).toMatch(
    /^\d{14} is good \(full\)\n {2}proved: the dump is complete, and every byte and row is as it was dumped: .* 3 tables, 7,000 rows\n {2}not proved: that a server accepts it; --restore checks that\n$/,
  );
  expect((await bed.run(['verify', id, '--quick', '--quiet'])).stdout).toMatch(
    /^\d{14} is good \(quick\)\n {2}proved: the object exists and has the .* bytes\) recorded in its manifest, and the ETag recorded when it was written or read\n {2}not proved: that its bytes .*; verify without --quick to read them\n$/,
  );
});

test('every byte is read once, by ranges', async () => {
  bed.server.requests.length = 0;
  await verify('full');
  const ranges = bed.server.requests
    .filter(({ operation, key }) => operation === 'GetObject' && key === dumpKey())
    .map(({ range }) => range!.match(/\d+/g)!.map(Number) as [start: number, end: number])
    .sort(([a], [b]) => a - b);
  for (const [at, [start]] of ranges.entries()) expect(start).toBe((ranges[at - 1]?.[1] ?? -1) + 1);
  expect(ranges.at(-1)![1]).toBe(dump().length - 1);
});

const DAMAGES: readonly [about: string, damage: () => unknown, faults: () => readonly Partial<Fault>[]][] = [
  [
    'a byte of a row',
    () => put(dumpKey(), change('surface 777\n', 'surface 778\n')),
    () => [
      {
        what: 'table',
        where: `public.surface, bytes ${tableOf('surface').offset} to ${tableOf('surface').offset + tableOf('surface').bytes - 1}`,
        expected: tableOf('surface').sha256,
        found: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string,
      },
    ],
  ],
  [
    'a byte of a long table',
    () => {
      const { offset, bytes } = tableOf('wide');
      const changed = Buffer.from(dump());
      const at = offset + bytes - 5000;
      changed[at] = changed[at] === 0x61 ? 0x62 : 0x61;
      return put(dumpKey(), changed);
    },
    () => {
      const { checkpoints } = tableOf('wide');
      expect(checkpoints.length).toBeGreaterThan(1);
      const [from, to] = checkpoints.slice(-2).map(({ offset }) => offset);
      return [{ what: 'table', where: `public.wide, bytes ${from} to ${to! - 1}` }];
    },
  ],
  [
    'a byte of the schema',
    () => put(dumpKey(), change('CREATE INDEX surface_name', 'CREATE INDEX surface_nama')),
    () => [
      {
        what: 'section',
        where: `post-data, bytes ${sectionOf('post-data').offset} to ${dump().length - 1}`,
        expected: sectionOf('post-data').sha256,
      },
    ],
  ],
  [
    'a row that is missing, made up for in the next one',
    () => put(dumpKey(), change('\n777\tsurface 777\n', '\n777\tsurface 777\t')),
    () => [
      { what: 'table', expected: '5000 rows', found: '4999 rows' },
      { what: 'table', expected: tableOf('surface').sha256 },
    ],
  ],
  [
    'a quote, by which the structure is lost',
    () => put(dumpKey(), change("SET client_encoding = 'UTF8'", "SET client_encoding = 'UTF8 ")),
    () => [
      { what: 'structure', where: '', expected: 'a complete dump' },
      { what: 'section', where: `pre-data, bytes 0 to ${sectionOf('pre-data').bytes - 1}` },
    ],
  ],
  [
    'the end of the last row, by which the next table is taken for rows',
    () => put(dumpKey(), change('\tsurface 5000\n', '\tsurface 5000 ')),
    () => [{ what: 'table', where: expect.stringMatching(/^public\.surface, /) as unknown as string }],
  ],
  [
    'a wrong name in the manifest',
    () => {
      const [first, ...rest] = manifest.tables;
      return put(manifestKey(), encodeManifest({ ...manifest, tables: [{ ...first!, name: 'x' }, ...rest] }));
    },
    () => [{ what: 'table', expected: 'public.x', found: 'public.empty_one' }],
  ],
  [
    'a wrong hash in the manifest',
    () => {
      const tables = manifest.tables.map((table) => ({ ...table, sha256: 'ab'.repeat(32) }));
      return put(manifestKey(), encodeManifest({ ...manifest, tables }));
    },
    () => manifest.tables.map(() => ({ what: 'table', expected: 'ab'.repeat(32) })),
  ],
  [
    'a wrong CRC-32 of a checkpoint in the manifest',
    () => putCheckpoints(([first, ...rest]) => [{ ...first!, crc32: first!.crc32 ^ 1 }, ...rest]),
    () => [{ what: 'manifest', where: 'public.wide, checkpoint 1' }],
  ],
  [
    'a wrong order of columns in the manifest',
    () => {
      const tables = manifest.tables.map((table) => ({ ...table, columns: table.columns.toReversed() }));
      return put(manifestKey(), encodeManifest({ ...manifest, tables }));
    },
    () => [
      { what: 'manifest', where: 'public.surface, columns', expected: 'name, id', found: 'id, name' },
      { what: 'manifest', where: 'public.wide, columns', expected: 'body, id', found: 'id, body' },
    ],
  ],
  [
    'a wrong encoding in the manifest',
    () => put(manifestKey(), encodeManifest({ ...manifest, encoding: 'LATIN1' })),
    () => [{ what: 'manifest', where: 'encoding', expected: 'LATIN1', found: 'UTF8' }],
  ],
  [
    'facts in the manifest that the dump states otherwise',
    () => {
      const database = { ...manifest.database!, encoding: 'LATIN1' };
      return put(
        manifestKey(),
        encodeManifest({
          ...manifest,
          database,
          server: '9.4.1',
          pgDump: null,
          startedAt: '2020-01-01T00:00:00.000Z',
        }),
      );
    },
    () => [
      { what: 'manifest', where: 'server', expected: '9.4.1', found: manifest.server! },
      { what: 'manifest', where: 'pg_dump', expected: 'none', found: manifest.pgDump! },
      { what: 'manifest', where: 'database, encoding', expected: 'LATIN1', found: 'UTF8' },
      { what: 'manifest', where: 'started', expected: '2020-01-01T00:00:00.000Z', found: timeOfId() },
    ],
  ],
  [
    'a section that the manifest lacks',
    () => put(manifestKey(), encodeManifest({ ...manifest, sections: manifest.sections.slice(0, 2) })),
    () => [{ what: 'section', where: 'post-data', expected: 'no such section' }],
  ],
  [
    'places in the manifest that overlap, and a broken structure',
    async () => {
      const tables = manifest.tables.map((table) => ({ ...table, offset: 100, bytes: 10, checkpoints: [] }));
      await put(manifestKey(), encodeManifest({ ...manifest, tables }));
      await put(dumpKey(), change("SET client_encoding = 'UTF8'", "SET client_encoding = 'UTF8 "));
    },
    () =>
      [
        { what: 'structure' },
        { what: 'section', where: expect.stringMatching(/^pre-data/) },
        { what: 'section', where: expect.stringMatching(/^data/) },
        ...manifest.tables.map(() => ({
          what: 'table',
          where: expect.stringMatching(/, bytes 100 to 109$/),
        })),
      ] as never,
  ],
];

test.each(DAMAGES)('%s is a fault, with its place', async (_, damage, faults) => {
  await damage();
  expect((await verify('full')).faults).toMatchObject(faults());
});

test('a fault is told as JSON and as text, with status 3', async () => {
  await put(dumpKey(), change('surface 777\n', 'surface 778\n'));
  const { offset, bytes, sha256 } = tableOf('surface');
  const where = `public.surface, bytes ${offset} to ${offset + bytes - 1}`;
  const found = expect.stringMatching(/^[0-9a-f]{64}$/);
  expect(await verifyByProgram(id)).toEqual({
    status: 3,
    document: {
      id,
      depth: 'full',
      ok: false,
      checked: { bytes: dump().length, tables: 3, rows: 7000 },
      faults: [{ what: 'table', where, expected: sha256, found }],
    },
  });
  expect(await bed.run(['verify', '--quiet'])).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(
      `^${id} is FAULTY \\(full\\), 1 fault:\n  table ${where}: expected sha256:${sha256.slice(0, 12)}…, found sha256:[0-9a-f]{12}…\n$`,
    ),
  });
});

test('a backup has the names that it has elsewhere', async () => {
  for (const name of [`postgres-backup-${id}.sql`, dumpKey(), 'latest']) {
    expect(await verifyByProgram(name)).toMatchObject({ status: 0, document: { id, ok: true } });
  }
});

test('what is no name of a backup is a wrong use, and one that is not there is not found', async () => {
  const wrong = await bed.run(['verify', 'yesterday']);
  expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('"yesterday" is not accepted') });
  expect(await bed.run(['verify', '20200101000000', '--quiet'])).toMatchObject({ status: 4, stdout: '' });
});

const BROKEN: readonly [about: string, damage: () => unknown, fault: () => Fault][] = [
  [
    'a truncated object',
    () => put(dumpKey(), dump().subarray(0, 5000)),
    () => ({ what: 'object', where: dumpKey(), expected: `${dump().length} bytes`, found: '5000 bytes' }),
  ],
  [
    'a missing object',
    () => remove(dumpKey()),
    () => ({ what: 'object', where: dumpKey(), expected: `${dump().length} bytes`, found: 'no object' }),
  ],
  [
    'a manifest that is none',
    () => put(manifestKey(), '{'),
    () => ({
      what: 'manifest',
      where: manifestKey(),
      expected: `a manifest of backup ${id}`,
      found: expect.stringMatching(
        /^its manifest \S+ cannot be read: it is not JSON; [^—]*$/,
      ) as unknown as string,
    }),
  ],
  [
    'the manifest of another backup',
    () => put(manifestKey(), encodeManifest({ ...manifest, id: '20200101000000' })),
    () => ({
      what: 'manifest',
      where: manifestKey(),
      expected: `a manifest of backup ${id}`,
      found: `the manifest ${manifestKey()} belongs to backup 20200101000000`,
    }),
  ],
];

test.each(BROKEN)('%s is a fault at every depth', async (_, damage, fault) => {
  await damage();
  for (const depth of ['quick', 'full'] as const) expect((await verify(depth)).faults).toEqual([fault()]);
  expect(await verifyByProgram()).toMatchObject({
    status: 3,
    document: { id, ok: false, faults: [fault()] },
  });
});

test('an object that was replaced by one of the same size is a quick fault, until its bytes are proven', async () => {
  await put(dumpKey(), dump());
  const replaced = { what: 'object', where: dumpKey(), expected: `the ETag ${manifest.etag}` };
  expect((await verify('quick')).faults).toMatchObject([replaced]);
  expect((await verify('full')).faults).toEqual([]);
  expect((await verify('quick')).faults).toEqual([]);
});

/** The store behind a proxy that answers HEAD in its own way. */
const headedBy = (change: Partial<StoredObject>): Store => ({
  ...bed.store,
  head: async (key, by) => {
    const object = await bed.store.head(key, by);
    return object && { ...object, ...change };
  },
});

test('a proxy that drops ETags makes no backup faulty, and no check unrecorded', async () => {
  expect(await verify('quick', headedBy({ etag: '' }))).toMatchObject({
    faults: [],
    proved: expect.not.stringContaining('ETag') as unknown,
  });
  expect(await bed.keys()).toContain(recordKey());
});

test('a size other than the one listed shows no fault in the bytes', async () => {
  await expect(verify('full', headedBy({ bytes: 0 }))).rejects.toThrow(
    `the server says that it has 0 bytes, but listed ${dump().length}`,
  );
});

test('a dump without a manifest is proven to be whole, and no more', async () => {
  await remove(manifestKey());
  const good = await bed.run(['verify', '--quiet']);
  expect(good.stdout).toMatch(
    /^\d{14} is good \(full\)\n {2}proved: the dump is complete: .*3 tables.*\n {2}not proved: that these are the bytes that were dumped: there is no manifest/,
  );
  expect(good.status).toBe(0);
  await put(dumpKey(), dump().subarray(0, tableOf('wide').offset + 100));
  expect((await verify('full')).faults).toEqual([
    {
      what: 'structure',
      where: '',
      expected: 'a complete dump',
      found: 'it ends inside the rows of public.wide',
    },
  ]);
});

test('one in a form that cannot be read here is none that is faulty', async () => {
  const older = 'backup/postgres-backup-20200101000000';
  await put(`${older}.sql.zst`, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0]));
  const result = await bed.run(['verify', '20200101000000', '--quiet']);
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toMatch(
    /cannot verify \S+\.sql\.zst: it is compressed with zstd — verify it with --quick/,
  );
  expect(await bed.keys()).not.toContain(`${older}.verified.json`);
  expect((await bed.run(['verify', '20200101000000', '--quick', '--quiet'])).status).toBe(0);
});

test('--all verifies each, in the order of list, and tells of all', async () => {
  await put('backup/postgres-backup-20200101000000.sql', dump().subarray(0, 100));
  const { status, stdout } = await bed.run(['verify', '--all', '--json', '--quiet']);
  expect(JSON.parse(stdout)).toMatchObject([
    { id, ok: true },
    { id: '20200101000000', ok: false },
  ]);
  expect(status).toBe(3);
  const told = await bed.run(['verify', '--all', '--quiet']);
  expect(told.stdout).toMatch(
    /^\d{14} is good \(full\)\n(.*\n)*20200101000000 is FAULTY \(full\), 1 fault:\n/,
  );
  expect(told.stdout).toMatch(/\n\n2 verified, 1 faulty\n$/);
});

test('one that cannot be read keeps --all from none of the others, and from ending well', async () => {
  await put('backup/postgres-backup-20200101000000.sql', dump().subarray(0, 100));
  await put('backup/postgres-backup-20190101000000.sql', dump());
  const denied = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'GetObject', key: /20200101000000\.sql$/, what: denied });
  const { status, stdout, stderr } = await bed.run(['verify', '--all', '--json', '--quiet']);
  expect(JSON.parse(stdout)).toMatchObject([
    { id, ok: true },
    { id: '20190101000000', ok: true },
  ]);
  expect(stderr).toMatch(/backup 20200101000000 could not be verified: cannot read .*403 AccessDenied — /);
  expect(status).toBe(1);
  const told = await bed.run(['verify', '--all', '--quiet']);
  expect(told.stdout).toMatch(/\n\n2 verified, all good, 1 could not be verified\n$/);
  await put('backup/postgres-backup-20190101000000.sql', dump().subarray(0, 100));
  expect((await bed.run(['verify', '--all', '--quiet'])).status).toBe(3);
});

test('one that is pruned while --all is at work is left out', async () => {
  const older = 'backup/postgres-backup-20200101000000.sql';
  await put(older, dump().subarray(0, 100));
  const removed = deferred<void>();
  const onHeld = () => void bed.store.remove([older], signal).then(removed.resolve);
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    times: 1,
    what: { kind: 'hold', until: removed.promise, onHeld },
  });
  const { status, stdout, stderr } = await bed.run(['verify', '--all', '--json']);
  expect(JSON.parse(stdout)).toMatchObject([{ id, ok: true }]);
  expect(stderr).toMatch(/WARN.*: backup 20200101000000 was deleted in the meantime/);
  expect(status).toBe(0);
});

test.each([
  [[], 'full'],
  [['--restore'], 'full'],
  [['--quick'], 'quick'],
] as const)(
  'a dump that the server lists but has lost is a fault that is recorded, with %j',
  async (depth, foundBy) => {
    const what = { kind: 'error', status: 404, code: 'NoSuchKey' } as const;
    for (const operation of ['HeadObject', 'GetObject'])
      bed.server.faults.push({ operation, key: /\.sql$/, what });
    const restore = () => bed.run(['restore', id, '--yes', '--no-audit']);
    const isLost = `cannot restore backup ${id}: the server lists ${dumpKey()}, but has no such object — see the S3 server’s log, and restore another backup`;
    expect(await restore()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(
        `${isLost}; after \`topobank-backup verify ${id}\`, --latest skips this one\n`,
      ),
    });
    const { status, stdout } = await bed.run(['verify', '--all', '--json', ...depth]);
    expect(JSON.parse(stdout)).toMatchObject([
      { id, depth: foundBy, ok: false, faults: [{ what: 'object', where: dumpKey(), found: 'no object' }] },
    ]);
    expect(status).toBe(3);
    expect((await findBackup(bed.store, 'backup/', id, signal))?.verified?.checks[0]).toMatchObject({
      ok: false,
    });
    expect(await restore()).toMatchObject({ status: 1, stderr: expect.stringContaining(`${isLost}\n`) });
  },
);

test.each([[['--quick']], [[]]])(
  'nor is a lost dump without a manifest taken for deleted, with %j',
  async (flags) => {
    const key = 'backup/postgres-backup-20200101000000.sql';
    await put(key, dump());
    const what = { kind: 'error', status: 404, code: 'NoSuchKey' } as const;
    for (const operation of ['HeadObject', 'GetObject'])
      bed.server.faults.push({ operation, key: /20200101000000\.sql$/, what });
    const { status, stdout } = await bed.run(['verify', '20200101000000', '--json', ...flags]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, faults: [{ where: key, found: 'no object' }] });
    expect(status).toBe(3);
  },
);

test.each([[[]], [['--restore']]])(
  'a dump that can be looked up, but whose bytes the server has lost, is faulty, with %j',
  async (depth) => {
    const what = { kind: 'error', status: 404, code: 'NoSuchKey' } as const;
    bed.server.faults.push({ operation: 'GetObject', key: /\.sql$/, what });
    expect(await verifyByProgram(id, ...depth)).toMatchObject({
      status: 3,
      document: { depth: 'full', faults: [{ what: 'object', where: dumpKey(), found: 'no object' }] },
    });
    expect((await findBackup(bed.store, 'backup/', id, signal))?.verified?.checks[0]).toMatchObject({
      ok: false,
    });
  },
);

test.each([[['restore', '--yes', '--no-audit']], [['fetch']]])(
  'who asks for the bytes that the server has lost is told so, with %j',
  async ([command, ...flags]) => {
    const what = { kind: 'error', status: 404, code: 'NoSuchKey' } as const;
    bed.server.faults.push({ operation: 'GetObject', key: /\.sql$/, what });
    const { status, stderr } = await bed.run([command!, id, ...flags]);
    expect(status).toBe(4);
    expect(stderr).toContain(
      `there is no such object — run \`topobank-backup list\`; if its backup is still there, the server has lost the object: `,
    );
  },
);

test('a dump that the server says once it does not have is none that is lost', async () => {
  const what = { kind: 'error', status: 404, code: 'NoSuchKey' } as const;
  bed.server.faults.push({ operation: 'HeadObject', key: /\.sql$/, times: 1, what });
  expect((await verify('quick')).faults.map(({ found }) => found)).not.toContain('no object');
});

test('nor is one that is restored', async () => {
  const what = { kind: 'error', status: 404, code: 'NoSuchKey' } as const;
  bed.server.faults.push({ operation: 'HeadObject', key: /\.sql$/, times: 1, what });
  expect(await bed.run(['restore', id, '--into', `${bed.database.name}_there`, '--no-audit'])).toMatchObject({
    status: 0,
  });
});

/** When its object is looked for, these have just been deleted, in this order. */
const pruneAtHead = (...keys: readonly string[]) =>
  during(bed, { operation: 'HeadObject', key: /\.sql$/ }, async () => {
    for (const key of keys) {
      if (written.has(key)) changed.add(key);
      await bed.store.remove([key], signal);
    }
  });

test.each([
  ['with its manifest', async () => {}, () => [dumpKey(), manifestKey()]],
  ['but for its manifest, which goes last', async () => {}, () => [dumpKey()]],
  ['that had no manifest', () => remove(manifestKey()), () => [dumpKey()]],
])('--all --quick leaves out a backup that is pruned meanwhile, %s', async (_, prepare, gone) => {
  await prepare();
  await put('backup/postgres-backup-20200101000000.sql', dump());
  pruneAtHead(...gone());
  const { status, stdout, stderr } = await bed.run(['verify', '--all', '--quick', '--json']);
  expect(JSON.parse(stdout)).toMatchObject([{ id: '20200101000000', ok: true }]);
  expect(stderr).toContain(`backup ${id} was deleted in the meantime`);
  expect(status).toBe(0);
  expect(await bed.keys()).not.toContain(recordKey());
});

test('--all --quick tells of a dump that was missing from the start', async () => {
  await remove(dumpKey());
  const { status, stdout } = await bed.run(['verify', '--all', '--quick', '--json', '--quiet']);
  expect(JSON.parse(stdout)).toMatchObject([{ id, ok: false, faults: [{ found: 'no object' }] }]);
  expect(status).toBe(3);
});

test.each([
  ['with its manifest', () => [dumpKey(), manifestKey()]],
  ['but for its manifest', () => [dumpKey()]],
])('one that is pruned before its object is looked for is not found, %s', async (_, gone) => {
  pruneAtHead(...gone());
  expect(await bed.run(['verify', id, '--quick'])).toMatchObject({
    status: 4,
    stdout: '',
    stderr: expect.stringContaining(`cannot verify backup ${id}: it was deleted in the meantime — run `),
  });
  expect(await bed.keys()).not.toContain(recordKey());
});

test.each([
  [['20200101000000'], 4, /cannot verify backup 20200101000000: there is no such backup under backup\//],
  [
    ['--prefix', 'nothing/'],
    4,
    /cannot verify any backup: there is no backup of database \S+ under nothing\//,
  ],
  [['--all', '--prefix', 'nothing/'], 4, /cannot verify any backup/],
  [['20200101000000', '--all'], 2, /an ID and --all cannot be combined/],
] as const)('%j ends with status %i', async (args, status, message) => {
  const result = await bed.run(['verify', ...args]);
  expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) });
});

test('a server that does not answer is no fault of the backup, and nothing is recorded', async () => {
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const { status, stderr } = await bed.run(['verify', '--quiet']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/cannot read backup\/\S+\.sql .*403 AccessDenied/);
  expect(await bed.keys()).not.toContain(recordKey());
});
