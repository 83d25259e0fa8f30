import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { keptMedia } from '../../src/audit/kept-media.ts';
import { sourceNames, TOPOBANK_SOURCES } from '../../src/audit/sources/reference-sources.ts';
import type { Backup } from '../../src/catalog/backup.ts';
import { StoreError } from '../../src/errors.ts';
import type { Store } from '../../src/s3/store.ts';
import { complete } from '../retention/backups.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

/** A backup of another database, with a list of its media under `theirs/`. */
function theirBackup(): Backup {
  const backup = complete('2026-01-01 00:00', 1000, 'theirs') as Extract<Backup, { state: 'complete' }>;
  const counts = { references: 1, objects: 1, bytes: 1, dangling: 0 };
  const list = `backup/postgres-backup-${backup.id}.media.ndjson.gz`;
  return {
    ...backup,
    manifest: {
      ...backup.manifest,
      media: { bucket: 'b', prefix: 'theirs/', era: 'C', sources: sourceNames(TOPOBANK_SOURCES), ...counts },
    },
    companions: [...backup.companions, { key: list, bytes: 1, lastModified: new Date(0), etag: '' }],
  };
}

/** Where the needs of that backup are read from. */
async function readFrom(store: Store): Promise<string[]> {
  const { log } = keepingLog();
  const space = { directory: bed.directory, memory: 1024 };
  const context = {
    store,
    mediaPrefix: 'media/',
    ownSources: [],
    tools: { binDir: undefined, env: {} },
    space,
  };
  const kept = await keptMedia({ ...context, database: { name: 'ours' }, log }, [theirBackup()], signal);
  return kept.map(({ by }) => by);
}

/** The bucket, as somebody sees it whom the server refuses all lists of keys so. */
const refusing = (status: number): Store => ({
  ...bed.store,
  list() {
    throw new StoreError({
      doing: 'cannot list objects',
      problem: `HTTP ${status}`,
      cause: { $metadata: { httpStatusCode: status } },
    });
  },
});

test('another database’s backup needs nothing here, if its media are where its list says', async () => {
  expect(await readFrom(bed.store)).toEqual(['list', 'dump']);
  await bed.store.put('theirs/x', Buffer.alloc(0), { ifAbsent: true, contentType: 'text/plain', signal });
  expect(await readFrom(bed.store)).toEqual(['list']);
});

test('its dump is read where the access key may not look whether they are', async () => {
  expect(await readFrom(refusing(403))).toEqual(['list', 'dump']);
  await expect(readFrom(refusing(500))).rejects.toThrow('HTTP 500');
});
