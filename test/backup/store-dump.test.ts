import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { beginDump } from '../../src/backup/claim-id.ts';
import { type StoreDumpOptions, storeDump } from '../../src/backup/store-dump.ts';
import type { Backup } from '../../src/catalog/backup.ts';
import { listBackups } from '../../src/catalog/catalog.ts';
import { compareIndex } from '../../src/catalog/compare-index.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { MANIFEST_LIMIT } from '../../src/catalog/manifest.ts';
import { createScanner, drain } from '../../src/dump/scanner.ts';
import { readObject } from '../../src/s3/reader.ts';
import type { Logger } from '../../src/ui/log.ts';
import { deferred } from '../support/deferred.ts';
import { dumpText, textSource } from '../support/dump-text.ts';
import { findBackup } from '../support/find-backup.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
const ID = '20261123103000';
let bed: TestBed;
let serial = 0;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

/** A dump of two parts that says whose it is. */
function dump(author = 'one'): string {
  const rows = Array.from({ length: 100_000 }, (_, id) => `${id}\t${author}${'x'.repeat(90)}`).join('\n');
  return dumpText(
    `CREATE TABLE public.t (id integer, name text);\nCOPY public.t (id, name) FROM stdin;\n${rows}\n\\.\n`,
  );
}

const ONE = dump();

interface Circumstances {
  readonly text?: string;
  readonly stop?: AbortSignal;
  readonly media?: StoreDumpOptions['media'];
  readonly migrations?: Readonly<Record<string, string>>;
  readonly log?: Logger;
}

async function store(prefix: string, circumstances: Circumstances = {}) {
  const { text = ONE, stop = signal, media, migrations = {}, log = keepingLog().log } = circumstances;
  const destination = { store: bed.store, prefix, maxParts: 10_000, partsInFlight: 3 };
  const startedAt = '2026-11-23T10:30:00.000Z';
  const provenance = {
    id: ID,
    startedAt,
    tool: 'test',
    database: null,
    snapshot: null,
    migrations,
  };
  const { upload } = await beginDump({ store: bed.store, prefix }, ID, signal);
  const options = {
    upload,
    media,
    name: 'of a test',
    now: () => new Date(),
    progress: noProgress('', 0),
    log,
    signal: stop,
  };
  return storeDump(destination, textSource(text).read(stop), provenance, options);
}

/** A prefix of this case alone, so that faults and leftovers are its own. */
const newPrefix = () => `case-${++serial}/`;

async function leftovers(prefix: string): Promise<{ keys: string[]; uploads: string[] }> {
  const own = (keys: string[]) => keys.filter((key) => key.startsWith(prefix));
  return { keys: own(await bed.keys()), uploads: own(await bed.pendingUploads()) };
}

/** The one backup under a prefix, each of whose bytes was compared with its manifest. */
async function provenBackup(prefix: string): Promise<Backup<Manifest>> {
  const backups = await listBackups({ store: bed.store, prefix }, signal);
  expect(backups.map(({ state }) => state)).toEqual(['complete']);
  const backup = (await findBackup(bed.store, prefix, backups[0]!.id, signal))!;
  const { dump, manifest } = backup;
  const scanner = createScanner('it');
  for await (const chunk of readObject(bed.store, dump!.key, { signal })) drain(scanner.push(chunk));
  drain(scanner.end());
  expect(compareIndex(manifest!, scanner.finish())).toEqual([]);
  return backup;
}

test('nothing is visible before all parts are there; the size is compared, and the manifest comes last', async () => {
  const prefix = newPrefix();
  await store(prefix);
  const asked = bed.server.requests
    .filter(({ key }) => key.startsWith(prefix))
    .map(({ operation }) => operation);
  expect(asked).toEqual([
    'CreateMultipartUpload',
    'UploadPart',
    'UploadPart',
    'HeadObject',
    'CompleteMultipartUpload',
    'HeadObject',
    // Of the manifest.
    'HeadObject',
    'PutObject',
  ]);
  await provenBackup(prefix);
});

test('the dump is not visible while its list of media is still being written', async () => {
  const prefix = newPrefix();
  const seen: string[][] = [];
  const look = async () => {
    seen.push((await leftovers(prefix)).keys);
    return undefined;
  };
  await store(prefix, { media: { written: look, finish: look } });
  expect(seen).toEqual([[], [`${prefix}postgres-backup-${ID}.sql`]]);
});

test('a dump whose manifest nobody would read is not stored', async () => {
  const prefix = newPrefix();
  const migrations = { app: 'x'.repeat(MANIFEST_LIMIT) };
  await expect(store(prefix, { migrations })).rejects.toMatchObject({
    name: 'DumpError',
    message: expect.stringMatching(
      /^cannot describe the dump of a test: its manifest would have \d+ bytes, more than/,
    ),
  });
  expect(await leftovers(prefix)).toEqual({ keys: [], uploads: [] });
  const completed = bed.server.requests.filter(
    ({ key, operation }) => key.startsWith(prefix) && operation === 'CompleteMultipartUpload',
  );
  expect(completed).toEqual([]);
});

const DENIED = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
const BROKEN = { kind: 'error', status: 500, code: 'InternalError' } as const;
const UNHEARD = { kind: 'drop', when: 'before' } as const;
const UNANSWERED = { kind: 'drop', when: 'after' } as const;
const CORRUPT = { kind: 'corrupt' } as const;

/** What befalls a request of a run, and whether there is a backup afterwards. */
const FAULTS: readonly (Fault & { readonly operation: string; readonly outcome: 'complete' | 'absent' })[] = [
  { operation: 'CreateMultipartUpload', what: DENIED, outcome: 'absent' },
  { operation: 'CreateMultipartUpload', what: BROKEN, times: 2, outcome: 'complete' },
  { operation: 'CreateMultipartUpload', what: UNHEARD, outcome: 'absent' },
  { operation: 'UploadPart', what: DENIED, outcome: 'absent' },
  { operation: 'UploadPart', what: DENIED, after: 1, outcome: 'absent' },
  {
    operation: 'UploadPart',
    what: { kind: 'error', status: 503, code: 'SlowDown' },
    times: 2,
    outcome: 'complete',
  },
  { operation: 'UploadPart', what: BROKEN, outcome: 'absent' },
  { operation: 'UploadPart', what: UNHEARD, times: 1, outcome: 'complete' },
  { operation: 'UploadPart', what: UNHEARD, after: 1, outcome: 'absent' },
  { operation: 'UploadPart', what: UNANSWERED, times: 1, outcome: 'complete' },
  { operation: 'UploadPart', what: CORRUPT, times: 2, outcome: 'complete' },
  { operation: 'UploadPart', what: CORRUPT, outcome: 'absent' },
  // So a key that may list only under its own prefixes is told of a dump that is not there yet, and of a manifest.
  { operation: 'HeadObject', what: DENIED, times: 1, outcome: 'complete' },
  { operation: 'HeadObject', what: DENIED, after: 2, times: 1, outcome: 'complete' },
  { operation: 'HeadObject', what: DENIED, after: 1, times: 1, outcome: 'absent' },
  { operation: 'HeadObject', what: UNHEARD, after: 1, times: 1, outcome: 'complete' },
  { operation: 'CompleteMultipartUpload', what: DENIED, outcome: 'absent' },
  { operation: 'CompleteMultipartUpload', what: BROKEN, times: 2, outcome: 'complete' },
  { operation: 'CompleteMultipartUpload', what: BROKEN, outcome: 'absent' },
  { operation: 'CompleteMultipartUpload', what: UNHEARD, outcome: 'absent' },
  { operation: 'CompleteMultipartUpload', what: UNANSWERED, times: 1, outcome: 'complete' },
  { operation: 'CompleteMultipartUpload', what: UNANSWERED, outcome: 'complete' },
  { operation: 'PutObject', what: DENIED, outcome: 'absent' },
  { operation: 'PutObject', what: BROKEN, outcome: 'absent' },
  { operation: 'PutObject', what: UNHEARD, times: 2, outcome: 'complete' },
  { operation: 'PutObject', what: UNANSWERED, times: 1, outcome: 'complete' },
  { operation: 'PutObject', what: UNANSWERED, outcome: 'complete' },
  { operation: 'PutObject', what: CORRUPT, times: 1, outcome: 'complete' },
  { operation: 'PutObject', what: CORRUPT, outcome: 'absent' },
];

test.concurrent.each(
  FAULTS.map(
    (fault) => [`${fault.operation} ${JSON.stringify({ ...fault, operation: undefined })}`, fault] as const,
  ),
)('complete or absent: %s', async (_, { outcome, ...fault }) => {
  const prefix = newPrefix();
  bed.server.faults.push({ ...fault, key: new RegExp(`^${prefix}`) });
  const stored = await store(prefix).then(
    () => 'complete',
    (error: Error) => error.name,
  );
  expect(stored).toBe(outcome === 'complete' ? 'complete' : 'StoreError');
  if (outcome === 'complete') await provenBackup(prefix);
  const { keys, uploads } = await leftovers(prefix);
  expect(keys).toHaveLength(outcome === 'complete' ? 2 : 0);
  expect(uploads).toEqual([]);
});

test.each<[left: string, faults: readonly Fault[], says: RegExp]>([
  [
    'uploads',
    [
      { operation: 'UploadPart', what: DENIED },
      { operation: 'AbortMultipartUpload', what: DENIED },
    ],
    /an unfinished upload of \S+\.sql may remain; a later backup will abort it if permitted: .*AccessDenied/,
  ],
  [
    'uploads',
    [
      { operation: 'CompleteMultipartUpload', what: DENIED },
      { operation: 'AbortMultipartUpload', what: DENIED },
    ],
    /an unfinished upload of \S+\.sql may remain; a later backup will abort it if permitted: .*AccessDenied/,
  ],
  [
    'keys',
    [
      { operation: 'PutObject', what: DENIED },
      { operation: 'DeleteObjectsEntry', what: DENIED },
    ],
    /\S+\.sql may remain without its manifest; `list` then shows it as foreign, and it can be deleted: .*AccessDenied/,
  ],
])('what the server does not have removed is warned of: %s', async (left, faults, says) => {
  const prefix = newPrefix();
  const key = new RegExp(`^${prefix}`);
  bed.server.faults.push(...faults.map((fault) => ({ ...fault, key })));
  const { log, lines } = keepingLog();
  await expect(store(prefix, { log })).rejects.toThrow(/403 AccessDenied/);
  expect(lines).toEqual([expect.stringMatching(says)]);
  expect(await leftovers(prefix)).toMatchObject({ [left]: [expect.stringContaining(prefix)] });
});

test.each([
  ['manifest', /manifest/, [/\S+\.manifest\.json may remain; without its dump, .*AccessDenied/]],
  [
    'manifest and dump',
    /./,
    [
      /\S+\.manifest\.json may remain; without its dump, .*AccessDenied/,
      /\S+\.sql may remain with its manifest; .*AccessDenied/,
    ],
  ],
])('what is left of a manifest whose write was not answered is warned of: %s', async (_, kept, says) => {
  const prefix = newPrefix();
  const key = new RegExp(`^${prefix}.*manifest`);
  bed.server.faults.push(
    { operation: 'PutObject', key, what: UNANSWERED },
    // Before it is written, it is looked up.
    { operation: 'HeadObject', key, after: 1, what: DENIED },
    { operation: 'DeleteObjectsEntry', key: new RegExp(`^${prefix}.*${kept.source}`), what: DENIED },
  );
  const { log, lines } = keepingLog();
  await expect(store(prefix, { log })).rejects.toThrow();
  expect(lines).toEqual(says.map((text) => expect.stringMatching(text)));
  expect((await leftovers(prefix)).keys).toHaveLength(says.length);
});

/** A signal that comes during the last request finds a backup that is complete. */
const MOMENTS: readonly (readonly [operation: string, outcome: 'complete' | 'absent'])[] = [
  ['CreateMultipartUpload', 'absent'],
  ['UploadPart', 'absent'],
  ['HeadObject', 'absent'],
  ['CompleteMultipartUpload', 'absent'],
  ['PutObject', 'complete'],
];

test.concurrent.each(MOMENTS)('stopped during %s the backup is %s', async (operation, outcome) => {
  const prefix = newPrefix();
  const stop = new AbortController();
  const released = deferred<void>();
  const onHeld = () => {
    stop.abort(new Error('stopped'));
    released.resolve();
  };
  const key = new RegExp(`^${prefix}`);
  bed.server.faults.push({
    operation,
    key,
    times: 1,
    what: { kind: 'hold', until: released.promise, onHeld },
  });
  const stored = store(prefix, { stop: stop.signal });
  if (outcome === 'complete') {
    await stored;
    await provenBackup(prefix);
  } else {
    await expect(stored).rejects.toThrow('stopped');
    expect(await leftovers(prefix)).toEqual({ keys: [], uploads: [] });
  }
});

const UNTRUSTED: readonly [about: string, text: string, message: RegExp][] = [
  [
    'ends early',
    dumpText('', { complete: false }),
    /cannot read the dump of a test: it ends without pg_dump’s closing line/,
  ],
  [
    'ends inside a statement',
    dumpText('CREATE TABLE t (', { complete: false }),
    /it ends inside the statement at line 10/,
  ],
  ['ends inside the rows', ONE.slice(0, 5_000_000), /it ends inside the rows of public\.t/],
  ['is empty', '', /it is empty/],
  ['is none', 'hello\n'.repeat(10), /it does not begin with pg_dump’s header/],
];

test.concurrent.each(UNTRUSTED)('a dump that %s is not stored', async (_, text, message) => {
  const prefix = newPrefix();
  await expect(store(prefix, { text })).rejects.toMatchObject({
    name: 'DumpError',
    message: expect.stringMatching(message),
  });
  expect(await leftovers(prefix)).toEqual({ keys: [], uploads: [] });
});

test('an object that has come to exist under the name is left as it is', async () => {
  const prefix = newPrefix();
  const key = `${prefix}postgres-backup-${ID}.sql`;
  await bed.store.put(key, Buffer.from('theirs'), { ifAbsent: false, contentType: 'text/plain', signal });
  await expect(store(prefix)).rejects.toThrow(
    /an object with that name was created in the meantime; it was left untouched/,
  );
  expect(await leftovers(prefix)).toEqual({ keys: [key], uploads: [] });
  expect((await bed.store.head(key, signal))?.bytes).toBe(6);
});

test('of two runs that take the same name at the same moment, one whole backup comes out', async () => {
  const prefix = newPrefix();
  const both = deferred<void>();
  let held = 0;
  const onHeld = () => {
    held += 1;
    if (held === 2) both.resolve();
  };
  const hold: Fault = {
    operation: 'CompleteMultipartUpload',
    key: new RegExp(`^${prefix}`),
    what: { kind: 'hold', until: both.promise, onHeld },
  };
  bed.server.faults.push(hold);
  const runs = await Promise.allSettled([store(prefix), store(prefix, { text: dump('another') })]);
  expect(runs.map(({ status }) => status)).toContain('fulfilled');
  await provenBackup(prefix);
});

test('a run that overtakes another’s upload puts its manifest in the place of the other’s', async () => {
  const prefix = newPrefix();
  const first = deferred<void>();
  const held = deferred<void>();
  bed.server.faults.push({
    operation: 'CompleteMultipartUpload',
    key: new RegExp(`^${prefix}`),
    times: 1,
    what: { kind: 'hold', until: first.promise, onHeld: () => held.resolve() },
  });
  const slow = store(prefix, { text: dump('the slow one') });
  await held.promise;
  await store(prefix);
  first.resolve();
  const manifest = await slow;
  const backup = await provenBackup(prefix);
  expect(backup.manifest?.tables).toEqual(manifest.tables);
});
