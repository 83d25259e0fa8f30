import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sweepUploads } from '../../src/backup/sweep-uploads.ts';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import { type S3Server, startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { keepingLog } from '../support/test-bed.ts';
import { storeEnv } from '../support/topobank-backup.ts';

const HOUR_MS = 3_600_000;
const NOW = new Date('2026-11-23T10:30:00Z');
const signal = new AbortController().signal;

const directory = scratchDirectory('sweep');
/** What the server takes for the present time. */
let clock = NOW;
let server: S3Server;
let store: ReturnType<typeof openStore>;

beforeAll(async () => {
  server = await startS3Server({ directory: directory.path, now: () => clock });
  store = openBucket('topobank-assets');
  await store.ensureBucket(signal);
});

afterAll(async () => {
  store.close();
  await server.close();
  directory.remove();
});

beforeEach(async () => {
  server.faults.length = 0;
  for await (const upload of store.listUploads('', signal)) await store.abortUpload(upload, signal);
});

function openBucket(bucket: string) {
  const env = { ...storeEnv(server), AWS_STORAGE_BUCKET_NAME: bucket };
  return openStore(readConfig({ env, flags: {} }, ['store']));
}

async function begin(key: string, hoursAgo: number): Promise<void> {
  clock = new Date(NOW.getTime() - hoursAgo * HOUR_MS);
  await store.createUpload(key, 'application/sql', signal);
  clock = NOW;
}

async function pending(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.listUploads('', signal)) keys.push(key);
  return keys;
}

async function sweep(bucket = store): Promise<{ swept: string[]; lines: readonly string[] }> {
  const { log, lines } = keepingLog();
  await sweepUploads(
    { store: { ...bucket, now: () => NOW }, prefix: 'backup/', quarantinePrefix: 'quarantine/', log },
    signal,
  );
  const swept = lines.flatMap((line) => /^info: aborted an upload of (\S+) left over/.exec(line)?.[1] ?? []);
  return { swept, lines };
}

test('own uploads of more than a day are aborted, and said', async () => {
  const abandoned = [
    ['backup/postgres-backup-20261122000000.sql', 24],
    ['backup/postgres-backup-20261102000000.sql', 500],
    ['backup/postgres-backup-20261102000000.media.ndjson.gz', 500],
    ['quarantine/20261102000000.journal.ndjson.gz', 500],
    ['quarantine/20261102000000/media/large.nc', 500],
  ] as const;
  const others = [
    ['backup/postgres-backup-20261123103000.sql', 23],
    ['backup/postgres-backup-20261123103000.sql', 0],
    ['backup/notes.sql', 500],
    ['backup/postgres-backup-2026.sql', 500],
    ['backup/old/postgres-backup-20261102000000.sql', 500],
    ['media/postgres-backup-20261102000000.sql', 500],
    ['postgres-backup-20261102000000.sql', 500],
    ['quarantine/20261123103000.journal.ndjson.gz', 23],
    ['quarantine/20261123103000/media/large.nc', 0],
    ['quarantine/2026/media/large.nc', 500],
    ['quarantine/notes.ndjson.gz', 500],
  ] as const;
  for (const [key, hours] of [...abandoned, ...others]) await begin(key, hours);

  const { swept, lines } = await sweep();
  expect(swept.toSorted()).toEqual(abandoned.map(([key]) => key).toSorted());
  expect(lines).toContain(
    'info: aborted an upload of backup/postgres-backup-20261122000000.sql left over from 2026-11-22 10:30:00 UTC',
  );
  expect(lines).toHaveLength(abandoned.length);
  expect((await pending()).toSorted()).toEqual(others.map(([key]) => key).toSorted());
});

test('two abandoned uploads of one key both go', async () => {
  for (const hours of [30, 40]) await begin('backup/postgres-backup-20261121000000.sql', hours);
  expect((await sweep()).swept).toHaveLength(2);
  expect(await pending()).toEqual([]);
});

test.each([
  [501, 'NotImplemented'],
  [405, 'MethodNotAllowed'],
])('a server that does not list uploads (%d) is no error', async (status, code) => {
  server.faults.push({ operation: 'ListMultipartUploads', what: { kind: 'error', status, code } });
  expect(await sweep()).toEqual({ swept: [], lines: [] });
});

test('nor is a bucket that is still to be made', async () => {
  const missing = openBucket('not-there-yet');
  expect(await sweep(missing)).toEqual({ swept: [], lines: [] });
  missing.close();
});

test.each(['ListMultipartUploads', 'AbortMultipartUpload'])(
  'a key that may not %s is said, and stops nothing',
  async (operation) => {
    await begin('backup/postgres-backup-20261121000000.sql', 30);
    server.faults.push({ operation, what: { kind: 'error', status: 403, code: 'AccessDenied' } });
    const { swept, lines } = await sweep();
    expect(swept).toEqual([]);
    expect(lines).toEqual([expect.stringMatching(/^warn: cannot .*the key needs s3:/)]);
    server.faults.length = 0;
  },
);

test('an upload that cannot be aborted keeps none of the others', async () => {
  for (const day of [19, 20, 21]) await begin(`backup/postgres-backup-202611${day}000000.sql`, 30);
  const denied = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  server.faults.push({ operation: 'AbortMultipartUpload', times: 2, what: denied });
  const { swept, lines } = await sweep();
  expect(swept).toEqual(['backup/postgres-backup-20261121000000.sql']);
  expect(lines).toEqual([
    expect.stringMatching(/^info: aborted an upload of backup\/postgres-backup-20261121000000\.sql/),
    expect.stringMatching(/^warn: cannot .*20261119000000.*the key needs s3:.*; 1 more like it$/),
  ]);
});
