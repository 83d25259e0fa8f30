import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { listBackups } from '../../src/catalog/catalog.ts';
import { chooseBackup, type Wanted } from '../../src/catalog/choose-backup.ts';
import { compareIndex, describeFault } from '../../src/catalog/compare-index.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/catalog/manifest.ts';
import {
  addCheck,
  type Depth,
  encodeRecord,
  type VerificationRecord,
} from '../../src/catalog/verification.ts';
import { createScanner, drain } from '../../src/dump/scanner.ts';
import { DumpError } from '../../src/errors.ts';
import { PLAIN_CREATION } from '../../src/postgres/facts.ts';
import { dumpText } from '../support/dump-text.ts';
import { findBackup } from '../support/find-backup.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
const DUMP = Buffer.from(dumpText('COPY public.t (a) FROM stdin;\n1\n2\n\\.\n'));

const DATABASE: NonNullable<Manifest['database']> = {
  name: 'topobank',
  ...PLAIN_CREATION,
  owner: 'postgres',
  settings: [],
  connectionLimit: -1,
  template: false,
  comment: null,
  acl: null,
  bytes: 1,
};

let bed: TestBed;
const catalog = () => ({ store: bed.store, prefix: 'backup/' });

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
});
afterEach(() => bed.close());

function indexOf(dump: Buffer) {
  const scanner = createScanner('dump');
  drain(scanner.push(dump));
  drain(scanner.end());
  return scanner.finish();
}

function manifestOf(id: string, dump = DUMP): Manifest {
  const { sections, tables, ...rest } = indexOf(dump);
  return {
    format: 1,
    id,
    key: `backup/postgres-backup-${id}.sql`,
    bytes: rest.bytes,
    storedBytes: rest.bytes,
    compression: null,
    startedAt: '2026-11-23T10:30:00.000Z',
    finishedAt: '2026-11-23T10:31:00.000Z',
    tool: 'test',
    database: null,
    server: null,
    pgDump: null,
    snapshot: null,
    migrations: {},
    roles: [],
    ownerRoles: [],
    encoding: null,
    sections: [...sections],
    tables: tables.map((table) => ({ ...table, columns: [...table.columns], checkpoints: [] })),
  };
}

async function put(name: string, body: Buffer | string): Promise<void> {
  await bed.store.put(`backup/${name}`, Buffer.from(body), {
    ifAbsent: true,
    contentType: 'text/plain',
    signal,
  });
}

const states = async () =>
  (await listBackups(catalog(), signal)).map((backup) => ({
    id: backup.id,
    state: backup.state,
    ...(backup.state === 'broken' ? { fault: backup.fault } : {}),
  }));

test('what lies in the bucket is complete, foreign or broken, newest first; other names do not count', async () => {
  await put('postgres-backup-20260101000000.sql', DUMP);
  await put('postgres-backup-20260101000000.manifest.json', encodeManifest(manifestOf('20260101000000')));
  await put('postgres-backup-20260102000000.sql.gz', 'x');
  await put('postgres-backup-20260103000000.manifest.json', encodeManifest(manifestOf('20260103000000')));
  await put('postgres-backup-20260104000000.sql', DUMP.subarray(1));
  await put('postgres-backup-20260104000000.manifest.json', encodeManifest(manifestOf('20260104000000')));
  await put('postgres-backup-20260105000000.sql', DUMP);
  await put('postgres-backup-20260105000000.manifest.json', '{');
  await put('postgres-backup-20260106000000.sql', DUMP);
  await put('postgres-backup-20260106000000.manifest.json', encodeManifest(manifestOf('20260101000000')));
  await put('postgres-backup-20260107000000.media.ndjson.gz', 'x');
  await put('notes.txt', 'x');
  await put('postgres-backup-20260108000000.sql.part', 'x');
  expect(await states()).toEqual([
    {
      id: '20260106000000',
      state: 'broken',
      fault: expect.stringContaining('belongs to backup 20260101000000'),
    },
    // Its manifest is another one's, so nothing speaks for or against this dump.
    { id: '20260106000000', state: 'foreign' },
    { id: '20260105000000', state: 'broken', fault: expect.stringContaining('it is not JSON') },
    {
      id: '20260104000000',
      state: 'broken',
      fault: `the dump backup/postgres-backup-20260104000000.sql has ${DUMP.length - 1} bytes instead of ${DUMP.length}`,
    },
    { id: '20260103000000', state: 'broken', fault: expect.stringMatching(/the dump .* is missing/) },
    { id: '20260102000000', state: 'foreign' },
    { id: '20260101000000', state: 'complete' },
  ]);
});

test('a manifest that cannot be read takes no dump of another form with it', async () => {
  for (const [day, suffixes] of [
    ['01', ['sql', 'sql.gz']],
    ['02', ['dump', 'sql']],
    ['03', ['sql.gz']],
  ] as const) {
    await put(`postgres-backup-202601${day}000000.manifest.json`, '{');
    for (const suffix of suffixes) await put(`postgres-backup-202601${day}000000.${suffix}`, DUMP);
  }
  const found = await listBackups(catalog(), signal);
  expect(found.map(({ state, dump }) => [state, dump?.key.replace(/^.*-202601/, '')])).toEqual([
    ['broken', undefined],
    ['foreign', '03000000.sql.gz'],
    ['broken', '02000000.sql'],
    ['foreign', '02000000.dump'],
    ['broken', '01000000.sql'],
    ['foreign', '01000000.sql.gz'],
  ]);
});

test('the latest is one of the database that is asked for, and none that lies ahead of the clock', async () => {
  const ofDatabase = (id: string, name: string) => {
    const { database: _, ...manifest } = manifestOf(id);
    return encodeManifest({ ...manifest, database: { ...DATABASE, name } });
  };
  for (const [id, name] of [
    ['20260101000000', 'topobank'],
    ['20260102000000', 'other'],
  ] as const) {
    await put(`postgres-backup-${id}.sql`, DUMP);
    await put(`postgres-backup-${id}.manifest.json`, ofDatabase(id, name));
  }
  await put('postgres-backup-20990101000000.sql', DUMP);
  await put('postgres-backup-20260201010000.sql', DUMP);
  await put('postgres-backup-20260201010000.manifest.json', ofDatabase('20260201010000', 'topobank'));
  const choose = async (database?: string, wanted: Wanted = { by: 'latest' }) => {
    const options = { now: new Date('2026-02-01'), signal, ...(database === undefined ? {} : { database }) };
    return (await chooseBackup(catalog(), wanted, options)).id;
  };
  expect(await choose()).toBe('20260102000000');
  expect(await choose('topobank')).toBe('20260101000000');
  expect(await choose('other')).toBe('20260102000000');
  expect(await choose('topobank', { by: 'id', id: '20260102000000' })).toBe('20260102000000');
  expect(await choose('topobank', { by: 'time', at: new Date('2100-01-01') })).toBe('20260101000000');
  await expect(choose('third')).rejects.toMatchObject({
    name: 'NotFoundError',
    message: `cannot find the latest backup: there is no usable backup of database third under backup/ of bucket ${bed.store.bucket}; 20260102000000 is of database other — to use that one anyway, give its id: 20260102000000`,
  });
  await expect(choose('other', { by: 'time', at: new Date('2026-01-01T12:00:00Z') })).rejects.toThrow(
    /all usable backups of database other under .* are later; the oldest is 20260102000000 — run/,
  );
  const early = { now: new Date('2025-12-31'), database: 'topobank', signal };
  await expect(chooseBackup(catalog(), { by: 'latest' }, early)).rejects.toThrow(
    /there is no usable backup under \S+ of bucket \S+; 20990101000000 is dated in the future — to use that one anyway, give its id: 20990101000000$/,
  );
  // A dump that does not tell whose it is may be any database's.
  await put('postgres-backup-20260103000000.sql', DUMP);
  expect(await choose('third')).toBe('20260103000000');
});

test('the one that is chosen is the newest that can be restored, or the named one', async () => {
  await put('postgres-backup-20260101000000.sql', DUMP);
  await put('postgres-backup-20260101000000.manifest.json', encodeManifest(manifestOf('20260101000000')));
  await put('postgres-backup-20260102000000.sql', DUMP);
  await put('postgres-backup-20260103000000.manifest.json', encodeManifest(manifestOf('20260103000000')));
  const choose = async (wanted: Parameters<typeof chooseBackup>[1]) =>
    (await chooseBackup(catalog(), wanted, { now: new Date(), signal })).id;
  expect(await choose({ by: 'latest' })).toBe('20260102000000');
  expect(await choose({ by: 'time', at: new Date('2026-01-02T00:00:00Z') })).toBe('20260102000000');
  expect(await choose({ by: 'time', at: new Date('2026-01-01T23:59:59Z') })).toBe('20260101000000');
  expect(await choose({ by: 'id', id: '20260101000000' })).toBe('20260101000000');
  const broken: string[] = [];
  const overBroken = ({ id, fault }: { id: string; fault: string }) => broken.push(`${id}: ${fault}`);
  const options = { now: new Date(), overBroken, signal };
  await chooseBackup(catalog(), { by: 'latest' }, options);
  expect(broken).toEqual([expect.stringMatching(/^20260103000000: the dump \S+ is missing$/)]);
  await chooseBackup(catalog(), { by: 'time', at: new Date('2026-01-02') }, options);
  expect(broken).toHaveLength(1);
  await expect(choose({ by: 'time', at: new Date('2025-12-31') })).rejects.toThrow(
    /all usable backups under .* are later; the oldest is 20260101000000 — run/,
  );
  await expect(
    chooseBackup({ store: bed.store, prefix: 'elsewhere/' }, { by: 'latest' }, { now: new Date(), signal }),
  ).rejects.toThrow(
    /there is no backup under elsewhere\/ of bucket \S+ — set S3_PREFIX to where there are backups: backup\/$/,
  );
  await expect(choose({ by: 'id', id: '20260103000000' })).rejects.toThrow(DumpError);
  await expect(choose({ by: 'id', id: '20260104000000' })).rejects.toThrow(
    /there is no such backup under backup\/ of bucket/,
  );
  expect(await findBackup(bed.store, 'backup/', '2026010100000', signal)).toBeUndefined();
});

test('a restore passes over backups whose bytes are known to be others, unless all are', async () => {
  const ids = [1, 2, 3, 4, 5].map((day) => `2026010${day}000000`) as [string, string, string, string, string];
  for (const id of ids) {
    await put(`postgres-backup-${id}.sql`, DUMP);
    await put(`postgres-backup-${id}.manifest.json`, encodeManifest(manifestOf(id)));
  }
  const find = async (id: string, ...depths: Depth[]) => {
    const object = await bed.store.head(`backup/postgres-backup-${id}.sql`, signal);
    const faults = [{ what: 'table' as const, where: 'public.t', expected: '2 rows', found: '1 row' }];
    const checked = { bytes: 1, tables: 1, rows: 1 };
    let record: VerificationRecord | undefined;
    for (const depth of depths) {
      const check = { depth, at: '2026-02-01T00:00:00.000Z', tool: 'test', checked, faults };
      record = addCheck(record, id, object!, check);
    }
    await put(`postgres-backup-${id}.verified.json`, encodeRecord(record!));
  };
  const choose = async (wanted: Wanted = { by: 'latest' }) => {
    const passed: string[] = [];
    const passOver = (faulty: { id: string }) => passed.push(faulty.id);
    const doubted: string[] = [];
    const doubt = (chosen: { id: string }) => doubted.push(chosen.id);
    const options = { now: new Date(), passOver, doubt, signal };
    const { id } = await chooseBackup(catalog(), wanted, options);
    return { id, passed, doubted };
  };
  await find(ids[4], 'full');
  await find(ids[3], 'restore', 'full');
  // Neither an ETag nor what a server made of it says anything of its bytes.
  await find(ids[2], 'quick');
  await find(ids[1], 'restore');
  const before = (time: string): Wanted => ({ by: 'time', at: new Date(time) });
  expect(await choose()).toEqual({ id: ids[2], passed: [ids[4], ids[3]], doubted: [ids[2]] });
  expect(await choose(before('2026-01-04T12:00:00Z'))).toEqual({
    id: ids[2],
    passed: [ids[3]],
    doubted: [ids[2]],
  });
  expect(await choose(before('2026-01-02T12:00:00Z'))).toEqual({ id: ids[1], passed: [], doubted: [ids[1]] });
  expect(await choose({ by: 'id', id: ids[4] })).toEqual({ id: ids[4], passed: [], doubted: [ids[4]] });
  // Who does not restore looks at the newest.
  const { id } = await chooseBackup(catalog(), { by: 'latest' }, { now: new Date(), signal });
  expect(id).toBe(ids[4]);
  for (const id of ids.slice(0, 3)) await bed.store.remove([`backup/postgres-backup-${id}.sql`], signal);
  expect(await choose()).toEqual({ id: ids[4], passed: [], doubted: [ids[4]] });
  const broken: string[] = [];
  const overBroken = (older: { id: string }) => broken.push(older.id);
  const options = { now: new Date(), passOver: () => {}, overBroken, signal };
  await chooseBackup(catalog(), { by: 'latest' }, options);
  expect(broken).toEqual([]);
});

test('what a verification has found holds for the copy of the very object under another prefix, and no other', async () => {
  const id = '20260101000000';
  const name = (part: string) => `postgres-backup-${id}.${part}`;
  await put(name('sql'), DUMP);
  const object = (await bed.store.head(`backup/${name('sql')}`, signal))!;
  const checked = { bytes: DUMP.length, tables: 1, rows: 2 };
  const check = { depth: 'full' as const, at: '2026-02-01T00:00:00.000Z', tool: 'test', checked, faults: [] };
  await put(name('manifest.json'), encodeManifest(manifestOf(id)));
  await put(name('verified.json'), encodeRecord(addCheck(undefined, id, object, check)));
  for (const key of await bed.keys()) await bed.store.copy({ key }, key.replace('backup/', 'copy/'), signal);
  const verified = async () => (await findBackup(bed.store, 'copy/', id, signal))?.verified?.checks[0]?.ok;
  expect(await verified()).toBe(true);
  await bed.store.put(`copy/${name('sql')}`, Buffer.from(DUMP).reverse(), {
    ifAbsent: false,
    contentType: 'text/plain',
    signal,
  });
  expect(await verified()).toBeUndefined();
});

test('a manifest is read back as it was written, and one without checkpoints has none', () => {
  const manifest = manifestOf('20260101000000');
  expect(decodeManifest('key', encodeManifest(manifest).toString())).toEqual(manifest);
  const { checkpoints: _, ...table } = manifest.tables[0]!;
  expect(decodeManifest('key', JSON.stringify({ ...manifest, tables: [table] }))).toEqual(manifest);
});

/** Marks of a table of ten rows, which lie at bytes 50 to 149: each as `[offset, rows]`. */
const MARKS: readonly [name: string, marks: readonly (readonly [number, number])[]][] = [
  ['none at the end', [[100, 5]]],
  [
    'the end of others',
    [
      [100, 5],
      [160, 10],
    ],
  ],
  [
    'too few rows at the end',
    [
      [100, 5],
      [150, 9],
    ],
  ],
  [
    'one at the beginning',
    [
      [50, 0],
      [150, 10],
    ],
  ],
  [
    'out of order',
    [
      [120, 5],
      [100, 6],
      [150, 10],
    ],
  ],
  [
    'rows that become fewer',
    [
      [100, 12],
      [150, 10],
    ],
  ],
];

function manifestWithMarks(marks: readonly (readonly [offset: number, rows: number])[]): string {
  const manifest = manifestOf('20260101000000');
  const checkpoints = marks.map(([offset, rows]) => ({ offset, rows, crc32: 0 }));
  const tables = [{ ...manifest.tables[0]!, offset: 50, bytes: 100, rows: 10, checkpoints }];
  return encodeManifest({ ...manifest, tables }).toString();
}

test('checkpoints that divide a table’s rows are read as they are', () => {
  const text = manifestWithMarks([
    [100, 5],
    [150, 10],
  ]);
  expect(decodeManifest('key', text).tables[0]?.checkpoints).toHaveLength(2);
});

test.each([
  ['nothing', '', /it is not JSON/],
  ['half of one', encodeManifest(manifestOf('20260101000000')).toString().slice(0, 200), /it is not JSON/],
  ['another thing', '[]', /does not match format 1/],
  [
    'another format',
    JSON.stringify({ ...manifestOf('20260101000000'), format: 2 }),
    /format does not match format 1/,
  ],
  [
    'a negative size',
    JSON.stringify({ ...manifestOf('20260101000000'), bytes: -1 }),
    /bytes does not match format 1/,
  ],
  [
    'no hash',
    JSON.stringify({ ...manifestOf('20260101000000'), sections: [{ name: 'data', offset: 0, bytes: 1 }] }),
    /sections\.0\.sha256 does not match/,
  ],
  ...MARKS.map(([name, checkpoints]): [string, string, RegExp] => [
    `checkpoints of ten rows in 100 bytes: ${name}`,
    manifestWithMarks(checkpoints),
    /tables\.0 does not match format 1 \(its checkpoints do not cover its rows/,
  ]),
])('what is no manifest is refused: %s', (_name, text, message) => {
  const decode = () => decodeManifest('backup/x.manifest.json', text);
  expect(decode).toThrow(DumpError);
  expect(decode).toThrow(message);
  expect(decode).toThrow(/^cannot read the manifest backup\/x\.manifest\.json: [^\n]+ — [^\n]+$/);
});

test.each([
  [
    'a changed row',
    '1\n2\n',
    '1\n3\n',
    /^table public\.t is sha256:[0-9a-f]{12}… instead of sha256:[0-9a-f]{12}…$/,
  ],
  ['a lost row', '1\n2\n', '1\n', /^length is \d+ instead of \d+$/],
  ['a moved line end', '1\n22\n', '11\n2\n', /^table public\.t is/],
  ['another table', 'COPY public.t', 'COPY public.u', /^section data is/],
  ['another setting', "'UTF8'", "'utf8'", /^section pre-data is/],
])('a dump that is not its manifest’s is told from it: %s', (_name, from, to, message) => {
  const before = dumpText(
    '--\n-- Name: t; Type: TABLE DATA; Schema: public; Owner: -\n--\n\nCOPY public.t (a) FROM stdin;\n1\n2\n\\.\n',
  ).replace('1\n2\n', from.includes('22') ? from : '1\n2\n');
  const manifest = manifestOf('20260101000000', Buffer.from(before));
  const faults = compareIndex(manifest, indexOf(Buffer.from(before.replace(from, to))));
  expect(faults.length).toBeGreaterThan(0);
  expect(describeFault(faults[0]!)).toMatch(message);
  expect(compareIndex(manifest, indexOf(Buffer.from(before)))).toEqual([]);
});

test('a table of a dump that names no schemas is named without one', () => {
  const rows = (row: string) => Buffer.from(dumpText(`COPY t (a) FROM stdin;\n${row}\n\\.\n`));
  const faults = compareIndex(manifestOf('20260101000000', rows('1')), indexOf(rows('2')));
  expect(faults.map(({ what, where }) => [what, where])).toEqual([['table', 't']]);
});
