import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type S3Server, startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { runProgram, storeEnv } from '../support/topobank-backup.ts';

const DAY_MS = 86_400_000;
const signal = new AbortController().signal;

const directory = scratchDirectory('sweep');
/** How long ago the uploads that are begun were begun, in milliseconds. */
let ago = 0;
let server: S3Server;
let database: TestDatabase;

beforeAll(async () => {
  server = await startS3Server({ directory: directory.path, now: () => new Date(Date.now() - ago) });
  database = await createTestDatabase(inject('postgres'));
});

afterAll(async () => {
  await database.drop();
  await server.close();
  directory.remove();
});

test('a backup aborts the upload that a dead run has left, and says so', async () => {
  const env = { ...database.env, ...storeEnv(server) };
  const store = openStore(readConfig({ env, flags: {} }, ['store']));
  try {
    await store.ensureBucket(signal);
    ago = 2 * DAY_MS;
    await store.createUpload('backup/postgres-backup-20260101000000.sql', 'application/sql', signal);
    await store.createUpload('media/topographies/1.nc', 'application/octet-stream', signal);
    ago = 0;
    const { status, stderr } = await runProgram(['backup'], env);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /aborted an upload of backup\/postgres-backup-20260101000000\.sql left over from [\d-]+ [\d:]+ UTC/,
    );
    const pending: string[] = [];
    for await (const { key } of store.listUploads('', signal)) pending.push(key);
    expect(pending).toEqual(['media/topographies/1.nc']);
  } finally {
    store.close();
  }
});
