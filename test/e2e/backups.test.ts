import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { COMMANDS } from '../../src/program/program.ts';
import { compareDigests, digestDatabase } from '../support/compare-databases.ts';
import { createTestDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { dumpText } from '../support/dump-text.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import { PROGRAM } from '../support/topobank-backup.ts';

const signal = new AbortController().signal;
let bed: TestBed;
let serial = 0;
/** The one backup that the tool has taken; all others are made up. */
let made: { id: string; key: string; bytes: number; startedAt: string; finishedAt: string; server: string };

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`
    CREATE TABLE surface AS SELECT g AS id, 'surface ' || g AS name FROM generate_series(1, 50000) g;
    CREATE TABLE django_migrations (id serial, app text, name text);
    INSERT INTO django_migrations (app, name) VALUES ('manager', '0001_initial'), ('manager', '0002_more')`);
  made = JSON.parse((await bed.run(['backup', '--json', '--quiet'])).stdout) as typeof made;
});

afterEach(() => {
  bed.server.faults.length = 0;
});

afterAll(() => bed.close());

const put = (key: string, body: string | Buffer) =>
  bed.store.put(key, Buffer.from(body), { ifAbsent: false, contentType: 'application/octet-stream', signal });

async function read(key: string): Promise<Buffer> {
  return Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
}

const document = async (...args: string[]): Promise<unknown> => {
  const result = await bed.run([...args, '--json', '--quiet']);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  return JSON.parse(result.stdout);
};

/** A directory of this test's own. */
async function newDirectory(): Promise<string> {
  const path = join(bed.directory, `files-${++serial}`);
  await mkdir(path);
  return path;
}

const pgDump = (format: 'plain' | 'custom') => runPgDump(bed.env, [`--format=${format}`, bed.database.name]);

test('a prefix without backups lists as empty, and those that have some are named', async () => {
  expect(await document('list', '--prefix', 'empty')).toEqual([]);
  expect(await bed.run(['list', '--prefix', 'empty'])).toMatchObject({
    status: 0,
    stdout:
      'no backups under empty/ in bucket topobank-assets; if there should be some, set S3_PREFIX to where there are backups: backup/\n',
    stderr: '',
  });
});

test('backups are listed newest first, each with its state; other objects are none', async () => {
  const manifest = (await read(made.key.replace('.sql', '.manifest.json'))).toString();
  const as = (id: string) => manifest.replaceAll(made.id, id);
  await put('states/postgres-backup-20260101000000.sql.gz', 'foreign');
  await put('states/postgres-backup-20260102000000.dump', 'foreign');
  await put(
    'states/postgres-backup-20260103000000.manifest.json',
    as('20260103000000').replaceAll('backup/', 'states/'),
  );
  await put(
    'states/postgres-backup-20260104000000.manifest.json',
    as('20260104000000').replaceAll('backup/', 'states/'),
  );
  await put('states/postgres-backup-20260104000000.sql', 'short');
  await put('states/postgres-backup-20260105000000.manifest.json', '{');
  await put('states/postgres-backup-20260105000000.sql', 'something');
  await put(
    'states/postgres-backup-20260106000000.manifest.json',
    as('20260106000000').replaceAll('backup/', 'states/'),
  );
  await put('states/postgres-backup-20260106000000.sql', await read(made.key));
  for (const key of [
    'postgres-backup-2026.sql',
    'postgres-backup-20261399000000.sql',
    'notes.txt',
    'old/postgres-backup-20260101000000.sql',
    'postgres-backup-20260101000000.sql.part',
  ])
    await put(`states/${key}`, 'of somebody else');

  const listed = (await document('list', '--prefix', 'states/')) as Record<string, unknown>[];
  expect(listed.map(({ id, state }) => [id, state])).toEqual([
    ['20260106000000', 'complete'],
    ['20260105000000', 'broken'],
    ['20260104000000', 'broken'],
    ['20260103000000', 'broken'],
    ['20260102000000', 'foreign'],
    ['20260101000000', 'foreign'],
  ]);
  for (const entry of listed)
    expect(Object.keys(entry)).toEqual([
      'id',
      'key',
      'bytes',
      'state',
      'startedAt',
      'finishedAt',
      'database',
      'server',
      'verified',
    ]);
  expect(listed[0]).toEqual({
    id: '20260106000000',
    key: 'states/postgres-backup-20260106000000.sql',
    bytes: made.bytes,
    state: 'complete',
    startedAt: made.startedAt,
    finishedAt: made.finishedAt,
    database: bed.database.name,
    server: made.server,
    verified: null,
  });
  expect(listed[3]).toMatchObject({ key: 'states/postgres-backup-20260103000000.sql', bytes: 0 });
  expect(listed[5]).toEqual({
    id: '20260101000000',
    key: 'states/postgres-backup-20260101000000.sql.gz',
    bytes: 7,
    state: 'foreign',
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    database: null,
    server: null,
    verified: null,
  });

  const { stdout } = await bed.run(['list', '--prefix', 'states/']);
  expect(stdout).toMatch(
    /^ID +AGE +SIZE +STATE +DATABASE +SERVER +VERIFIED\n20260106000000 +\S.* KiB +complete +t_\w+ +\d+\S+ +-\n/,
  );
  expect(stdout).toMatch(
    /\n20260105000000 is broken: its manifest \S+ cannot be read: it is not JSON; if it is deleted, /,
  );
  expect(stdout).toMatch(
    /\n20260104000000 is broken: the dump \S+20260104000000\.sql has 5 bytes instead of \d+\n/,
  );
  expect(stdout).toMatch(/\n20260103000000 is broken: the dump \S+20260103000000\.sql is missing\n/);
  expect(await document('show', '20260104000000', '--prefix', 'states/')).toMatchObject({
    state: 'broken',
    fault: expect.stringContaining('has 5 bytes instead of'),
    manifest: { id: '20260104000000' },
  });
});

test('show tells all that is known of a backup', async () => {
  const { stdout } = await bed.run(['show', made.id]);
  expect(stdout).toMatch(
    new RegExp(
      `^id +${made.id}\nstate +complete\ndump +${made.key}\nsize +\\S+ KiB \\(${made.bytes} bytes\\)\n`,
    ),
  );
  expect(stdout).toMatch(/\nserver +PostgreSQL \d+.*\npg_dump +\d+.*\nwritten by +topobank-backup \d/);
  expect(stdout).toMatch(/\nsnapshot +.* UTC, LSN [0-9A-F]+\/[0-9A-F]+\nmigrations +manager 0002_more\n/);
  expect(stdout).toMatch(/\n\nTABLE +ROWS +SIZE\n(.*\n)*public\.surface +50,000 +\d+ KiB\n/);
  const shown = (await document('show', made.id)) as { manifest: unknown };
  expect(shown).toMatchObject({
    id: made.id,
    state: 'complete',
    fault: null,
    manifest: { format: 1, bytes: made.bytes },
  });
  for (const name of ['latest', `postgres-backup-${made.id}.sql`])
    expect((await bed.run(['show', name])).stdout).toBe(stdout);
  await put('backup/postgres-backup-20210101000000.sql', 'foreign');
  expect((await bed.run(['show', '20210101000000'])).stdout).toMatch(
    /^id +20210101000000\nstate +foreign\ndump +\S+\nsize +7 B \(7 bytes\)\n$/,
  );
  await bed.store.remove(['backup/postgres-backup-20210101000000.sql'], signal);
});

test('by the latest every command means that of its own database', async () => {
  const other = await createTestDatabase(inject('postgres'));
  const idOf = async (args: readonly string[], env: Readonly<Record<string, string | undefined>>) => {
    const { stdout } = await bed.run([...args, '--json', '--quiet'], { S3_PREFIX: 'shared/', ...env });
    return (JSON.parse(stdout) as { id: string }).id;
  };
  try {
    const own = await idOf(['backup'], {});
    const newer = await idOf(['backup'], { POSTGRES_DB: other.name });
    expect(newer > own).toBe(true);
    for (const args of [['verify'], ['verify', 'latest'], ['show', 'latest']]) {
      expect(await idOf(args, {})).toBe(own);
      expect(await idOf(args, { POSTGRES_DB: undefined })).toBe(newer);
    }
    expect(await idOf(['fetch', 'latest', await newDirectory()], {})).toBe(own);
    const nobody = { S3_PREFIX: 'shared/', POSTGRES_DB: 'no_such_database' };
    expect(await bed.run(['verify'], nobody)).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('there is no backup of database no_such_database under shared/'),
    });
  } finally {
    await other.drop();
  }
});

test('an id that several foreign dumps have says nothing, and the name of one does', async () => {
  const [plain, packed] = ['sql', 'sql.gz'].map((form) => `postgres-backup-20220101000000.${form}`);
  await put(`shared/${plain}`, await pgDump('plain'));
  await put(`shared/${packed}`, gzipSync(await pgDump('plain')));
  for (const args of [['show'], ['verify'], ['restore', '--yes'], ['fetch']]) {
    expect(await bed.run([...args, '20220101000000', '--prefix', 'shared/'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(
        `backup 20220101000000: several dumps have this id: shared/${plain} and shared/${packed} — give the file name of one of them instead\n$`,
      ),
    });
  }
  for (const name of [plain, packed])
    expect(await document('show', `${name}`, '--prefix', 'shared/')).toMatchObject({ key: `shared/${name}` });
  // Without a doubt it is the one of the manifest.
  await put(`backup/postgres-backup-${made.id}.sql.gz`, 'x');
  expect(await document('show', made.id)).toMatchObject({ key: made.key });
  await bed.store.remove([`backup/postgres-backup-${made.id}.sql.gz`], signal);
});

test('show leaves open what a pushed dump does not say', async () => {
  const file = join(await newDirectory(), 'dump.sql');
  await writeFile(file, dumpText('CREATE TABLE public.t (a int);\n').replace(/-- Dumped .*\n/g, ''));
  await document('push', file, '--prefix', 'silent/');
  const { stdout } = await bed.run(['show', 'latest', '--prefix', 'silent/']);
  expect(stdout).toMatch(/\nserver +-\npg_dump +-\n/);
});

test('show tells whose locale it is, where it is not that of the system', async () => {
  const options = `ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' LOCALE 'C' TEMPLATE template0`;
  const sorted = await createTestDatabase(inject('postgres'), options);
  try {
    const env = { POSTGRES_DB: sorted.name, S3_PREFIX: 'sorted/' };
    expect(await bed.run(['backup'], env)).toMatchObject({ status: 0 });
    const { stdout } = await bed.run(['show', 'latest'], env);
    expect(stdout).toMatch(/\nlocale +UTF8, C, C, icu de-u-co-phonebk\n/);
  } finally {
    await sorted.drop();
  }
});

test('fetch writes the very bytes, and only when each is proven', async () => {
  const directory = await newDirectory();
  const file = join(directory, `postgres-backup-${made.id}.sql`);
  expect(await document('fetch', made.id, directory)).toEqual({
    id: made.id,
    path: file,
    bytes: made.bytes,
    proof: 'every byte, by the manifest',
  });
  expect(await readFile(file)).toEqual(await read(made.key));
  expect(await readdir(directory)).toEqual([`postgres-backup-${made.id}.sql`]);
  const { mode } = await stat(join(directory, `postgres-backup-${made.id}.sql`));
  expect(mode & 0o777).toBe(0o600);
  const latest = await bed.run(['fetch', 'latest', join(directory, 'not', 'there', 'yet')]);
  expect(latest).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/KiB, checked: every byte, by the manifest\n$/),
  });
});

const UNFETCHABLE: readonly [about: string, damage: () => unknown, message: RegExp][] = [
  [
    'a byte is another one',
    async () => put(made.key, (await read(made.key)).toString().replace('surface 777', 'surface 778')),
    /its bytes do not match its manifest: table public\.surface is sha256:[0-9a-f]{12}… instead of sha256:[0-9a-f]{12}… — use another backup/,
  ],
  [
    'reading breaks off for good',
    () => {
      bed.server.faults.push({
        operation: 'GetObject',
        key: /\.sql$/,
        after: 1,
        what: { kind: 'cut', afterBytes: 0 },
      });
      bed.server.faults.push({
        operation: 'GetObject',
        key: /\.sql$/,
        what: { kind: 'cut', afterBytes: 500_000 },
      });
    },
    /cannot read backup\/\S+\.sql from bucket topobank-assets.*: .* — check /,
  ],
];

test.each(UNFETCHABLE)('when %s, fetch leaves no file', async (_, damage, message) => {
  const directory = await newDirectory();
  const whole = await read(made.key);
  await damage();
  const fetched = await bed.run(['fetch', made.id, directory, '--quiet']);
  bed.server.faults.length = 0;
  await put(made.key, whole);
  expect(fetched).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(message) });
  expect(await readdir(directory)).toEqual([]);
});

test('a read that breaks off and comes back goes on where it was', async () => {
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    times: 3,
    what: { kind: 'cut', afterBytes: 300_000 },
  });
  const directory = await newDirectory();
  expect(await document('fetch', made.id, directory)).toMatchObject({ bytes: made.bytes });
});

test('stopped in the middle, fetch leaves no file', async () => {
  const directory = await newDirectory();
  const held = deferred<void>();
  let child: { kill(name: NodeJS.Signals): unknown } | undefined;
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    times: 1,
    what: { kind: 'cut', afterBytes: 500_000 },
  });
  const onHeld = () => {
    expect(readdirSync(directory)).toEqual([
      expect.stringMatching(`^postgres-backup-${made.id}\\.sql\\..*\\.part$`),
    ]);
    child?.kill('SIGINT');
    held.resolve();
  };
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    what: { kind: 'hold', until: held.promise, onHeld },
  });
  const fetched = await bed.run(
    ['fetch', made.id, directory, '--quiet'],
    {},
    { onSpawn: (spawned) => (child = spawned) },
  );
  expect(fetched).toMatchObject({ status: 130, stdout: '' });
  expect(await readdir(directory)).toEqual([]);
});

/** Of a `.sql.gz` or `.dump` without a manifest. */
async function fetchForeign(form: string, body: Buffer, ...options: string[]) {
  const key = `foreign/postgres-backup-20210101000000.${form}`;
  await put(key, body);
  const directory = await newDirectory();
  const fetched = await bed.run(['fetch', '20210101000000', directory, '--prefix', 'foreign/', ...options]);
  await bed.store.remove([key], signal);
  return { ...fetched, directory, files: await readdir(directory) };
}

const packed = async (form: 'sql.gz' | 'dump') =>
  form === 'dump' ? pgDump('custom') : gzipSync(await pgDump('plain'));

test.each([
  ['sql.gz', 'sql.gz'],
  ['dump', 'dump'],
  ['sql that is gzip', 'sql'],
] as const)('a foreign .%s that is whole is fetched as it is', async (_, form) => {
  const body = await packed(form === 'sql' ? 'sql.gz' : form);
  const { stderr, stdout, directory, files } = await fetchForeign(form, body, '--json', '--quiet');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ bytes: body.length, proof: 'complete, without a manifest' });
  expect(files).toEqual([`postgres-backup-20210101000000.${form}`]);
  expect(await readFile(join(directory, files[0]!))).toEqual(body);
});

const NOT_WHOLE: readonly [
  about: string,
  form: 'sql.gz' | 'dump',
  damage: (body: Buffer) => Buffer,
  says: RegExp,
][] = [
  [
    'cut off',
    'sql.gz',
    cutOff,
    /: its gzip data is damaged or truncated \(unexpected end of file\) — use a complete dump\n$/,
  ],
  ['cut off', 'dump', cutOff, /pg_restore: error: .* — use a complete dump\n$/],
  ['damaged', 'sql.gz', damaged, /: its gzip data is damaged or truncated \(.*\) — use a complete dump\n$/],
  ['damaged', 'dump', damaged, /pg_restore: .* — use a complete dump\n$/],
  [
    'whole gzip around a dump that is cut off',
    'sql.gz',
    () => gzipSync("--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\n"),
    /: it ends without pg_dump’s closing line/,
  ],
  ['something else', 'sql.gz', () => Buffer.from('whatever it is'), /20210101000000\.sql\.gz: /],
];

function cutOff(body: Buffer): Buffer {
  return body.subarray(0, body.length * 0.7);
}

function damaged(body: Buffer): Buffer {
  return Buffer.from(body).fill('damage', Math.floor(body.length * 0.6), Math.floor(body.length * 0.7));
}

test.each(NOT_WHOLE)('fetch leaves nothing of what is %s: a .%s', async (_, form, damage, says) => {
  const fetched = await fetchForeign(form, damage(await packed(form)), '--quiet');
  expect(fetched).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(says), files: [] });
  expect(fetched.stderr).toMatch(/^topobank-backup: .*\n$/);
});

test.each([
  ['sql.zst', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]), /it is compressed with zstd/],
  [
    'dump',
    Buffer.from('PGDMP\x01\x63\x00\x04\x08\x01\x01'),
    /unsupported version .* — install the version of postgresql-client/,
  ],
])('a .%s that cannot be unpacked here is fetched whole, with a warning', async (form, head, says) => {
  const body = Buffer.concat([head, randomBytes(3_000_000)]);
  const { status, stdout, stderr, directory, files } = await fetchForeign(form, body);
  expect({ status, files }).toEqual({ status: 0, files: [`postgres-backup-20210101000000.${form}`] });
  expect(body.equals(await readFile(join(directory, files[0]!)))).toBe(true);
  expect(stdout).toMatch(/, checked: nothing, compressed\n$/);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(
    /WARN.*; fetching foreign\/postgres-backup-20210101000000\.\S+ without checking it\n/,
  );
});

test.each([
  ['show', 'latest'],
  ['fetch', 'latest'],
  ['media', 'check', 'latest'],
  ['media', 'restore', 'latest'],
  ['audit-orphans', '--backup', 'latest'],
  ['restore', '--latest'],
])('where all backups lie ahead of the clock, %s %s names one and no other command', async (...args) => {
  await put(`ahead/postgres-backup-20990101000000.sql`, 'no dump');
  const { status, stderr } = await bed.run([...args, '--quiet'], { S3_PREFIX: 'ahead/' });
  expect({ status, stderr }).toEqual({
    status: 4,
    stderr: expect.stringMatching(
      / is dated in the future — to use that one anyway, give its id: 20990101000000\n$/,
    ),
  });
});

test('where the disk takes no more, fetch fails, and leaves no file', async () => {
  const directory = await newDirectory();
  // A limit of the process stands for a full disk: at most a block of 512 or 1024 bytes.
  const command = ['-c', 'ulimit -f 1; exec "$0" "$@"', process.execPath, PROGRAM];
  const limited = promisify(execFile)('sh', [...command, 'fetch', made.id, directory, '--quiet'], {
    env: { PATH: process.env.PATH, ...bed.env },
  });
  await expect(limited).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^topobank-backup: cannot write \S+\.part: EFBIG — give a writable directory with free space\n$/,
    ),
  });
  expect(await readdir(directory)).toEqual([]);
});

test('where the file is there already, nothing is fetched', async () => {
  const directory = await newDirectory();
  await bed.run(['fetch', made.id, directory, '--quiet']);
  expect(await bed.run(['fetch', made.id, directory, '--quiet'])).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(/the file exists — /),
  });
});

test.each(['sql', 'sql.gz', 'dump'] as const)(
  'push makes of a .%s a backup that is complete and restores',
  async (form) => {
    const prefix = `pushed-${form}/`;
    const plain = await pgDump(form === 'dump' ? 'custom' : 'plain');
    const file = join(await newDirectory(), `mine.${form}`);
    await writeFile(file, form === 'sql.gz' ? gzipSync(plain) : plain);
    const pushed = (await document('push', file, '--prefix', prefix)) as {
      id: string;
      key: string;
      rows: number;
    };
    expect(pushed).toMatchObject({ key: `${prefix}postgres-backup-${pushed.id}.sql`, rows: 50_002 });
    expect(await document('list', '--prefix', prefix)).toMatchObject([
      { id: pushed.id, state: 'complete', database: null },
    ]);
    expect((await bed.run(['show', pushed.id, '--prefix', prefix])).stdout).toMatch(
      /\npushed {6,}\d{4}-.* UTC\nfinished /,
    );
    const into = `${bed.database.name}_${form}`;
    expect(await document('restore', pushed.id, '--prefix', prefix, '--into', into)).toMatchObject({
      rows: 50_002,
    });
    const digests = await Promise.all([bed.database.name, into].map((name) => digestDatabase(bed.env, name)));
    expect(compareDigests(digests[0]!, digests[1]!)).toEqual([]);
  },
);

test.each([
  ['--data-only', /it contains rows of public\.\w+ but creates no table — take a dump without --data-only/],
  ['--create', /contains CREATE DATABASE, which reaches beyond the database — take a dump without --create/],
])('push refuses a dump by %s, which no restore would take', async (option, says) => {
  const file = join(await newDirectory(), 'dump.sql');
  await writeFile(file, await runPgDump(bed.env, [option, bed.database.name]));
  const { status, stdout, stderr } = await bed.run(['push', file, '--prefix', 'refused/', '--quiet']);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(says);
  expect((await bed.keys()).filter((key) => key.startsWith('refused/'))).toEqual([]);
  expect(await bed.pendingUploads()).toEqual([]);
});

test('a dump keeps the time that its name tells, and overwrites nothing', async () => {
  const directory = await newDirectory();
  const dump = gzipSync(await pgDump('plain'));
  const cookiecutter = join(directory, 'backup_2018_03_13T09_05_07.sql.gz');
  await writeFile(cookiecutter, dump);
  expect(await document('push', cookiecutter, '--prefix', 'named/')).toMatchObject({ id: '20180313090507' });
  const again = await bed.run(['push', cookiecutter, '--prefix', 'named/', '--quiet']);
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toMatch(
    /cannot push \S+ to bucket topobank-assets: backup 20180313090507 already exists — rename the file/,
  );
  const look = await bed.run([
    'restore',
    '20180313090507',
    '--prefix',
    'named/',
    '--dry-run',
    '--into',
    'look',
  ]);
  expect(look.stdout).toContain(', a pushed dump, 2018-03-13 09:05:07 UTC)');

  const fetched = (await document('fetch', made.id, directory)) as { path: string };
  expect(await document('push', fetched.path, '--prefix', 'named/')).toMatchObject({
    id: made.id,
    bytes: made.bytes,
  });
});

test('a database that is named wrongly keeps nobody from a backup that is named by its id', async () => {
  const env = { POSTGRES_DB: '', S3_PREFIX: 'unnamed/' };
  const file = join(await newDirectory(), 'backup_2018_03_13T09_05_07.sql');
  await writeFile(file, await pgDump('plain'));
  const pushed = await bed.run(['push', file, '--json'], env);
  expect(pushed).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/WARN: whether the rules keep backup \d+ is not known: .*POSTGRES_DB/),
  });
  const { id } = JSON.parse(pushed.stdout) as { id: string };
  for (const args of [
    ['show', id],
    ['verify', id],
    ['fetch', id, await newDirectory()],
  ])
    expect(await bed.run([...args, '--quiet'], env)).toMatchObject({ status: 0, stderr: '' });
  expect(await bed.run(['show', 'latest'], env)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('POSTGRES_DB'),
  });
});

test('push warns where the rules would not keep what it has stored', async () => {
  const directory = await newDirectory();
  const files = ['2018', '2019'].map((year) => join(directory, `backup_${year}_03_13T09_05_07.sql.gz`));
  const [old, newer] = files as [string, string];
  for (const file of files) await writeFile(file, gzipSync(await pgDump('plain')));
  const push = (file: string) => bed.run(['push', file, '--prefix', 'kept/', '--max-backups', '2']);
  const first = await push(newer);
  expect(first).toMatchObject({ status: 0, stderr: expect.not.stringContaining('WARN') });
  const second = await push(old);
  expect(second).toMatchObject({ status: 0, stdout: expect.stringContaining('backup 20180313090507') });
  expect(second.stderr).toMatch(
    /WARN: the next backup deletes 20180313090507, the time in the file’s name: /,
  );
});

test.concurrent.each(COMMANDS.map(({ name }) => name))(
  '%s --help shows its options and an example that it knows',
  async (name) => {
    const { status, stdout, stderr } = await bed.run([name, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/--json +print one JSON document on stdout\n/);
    expect(stdout).toMatch(/--quiet +/);
    expect(stdout).toMatch(/\nExit status:\n/);
    const examples =
      stdout
        .split(/\nExamples?:\n/)[1]
        ?.split('\n\n')[0]
        ?.split('\n') ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example).toMatch(new RegExp(`^ +(\\w+=\\S+ )*topobank-backup ${name}\\b`));
      for (const flag of example.match(/--[a-z-]+/g) ?? []) expect(stdout).toContain(`${flag}`);
    }
    // As narrow as a usual terminal; examples are for copying.
    const prose = stdout.split('\n').filter((line) => !line.startsWith('  topobank-backup '));
    expect(prose.filter((line) => line.length > 80 && !/^ {2}\w+=/.test(line))).toEqual([]);
  },
);

test('an older backup than the newest, which is broken, is not taken without a word', async () => {
  const own = await createTestBed(inject('postgres'));
  try {
    await own.database.query('CREATE TABLE t ()');
    expect(await own.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
    const key = 'backup/postgres-backup-20990101000000.manifest.json';
    await own.store.put(key, Buffer.from('{'), { ifAbsent: true, contentType: 'application/json', signal });
    const ahead = await own.run(['restore', '--latest', '--dry-run']);
    expect(ahead.stderr).not.toContain('is broken');
    const late = key.replace(
      '20990101000000',
      new Date(Date.now() + 60_000).toISOString().replace(/\D/g, '').slice(0, 14),
    );
    await own.store.put(late, Buffer.from('{'), { ifAbsent: true, contentType: 'application/json', signal });
    const { status, stderr } = await own.run(['restore', '--latest', '--dry-run']);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^.*WARN: using a backup older than \d{14}, which is broken: .*it is not JSON/m);
  } finally {
    await own.close();
  }
});
