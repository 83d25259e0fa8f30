import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { auditBackup, type BackupAuditContext } from '../../src/audit/audit-backup.ts';
import { findOutlooks } from '../../src/audit/backup-outlooks.ts';
import type { UsableBackup } from '../../src/catalog/backup.ts';
import type { Store } from '../../src/s3/store.ts';
import { formatBytes } from '../../src/ui/format.ts';
import { foreign } from '../retention/backups.ts';
import { deferred } from '../support/deferred.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { findBackup } from '../support/find-backup.ts';
import { keepingLog, noProgress } from '../support/test-bed.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

let bed: TestStore;

beforeAll(async () => {
  bed = await startTestStore();
});

afterEach(() => {
  bed.server.faults.length = 0;
});

afterAll(() => bed.close());

const never = new AbortController().signal;

const contextOf = (own: Partial<BackupAuditContext>): BackupAuditContext => ({
  store: bed.store,
  mediaPrefix: 'media/',
  otherPrefixes: [],
  readers: 1,
  ownSources: [],
  tools: { binDir: undefined, env: {} },
  space: { memory: 1024 ** 2, directory: '/tmp' },
  startProgress: noProgress,
  log: keepingLog().log,
  ...own,
});

test('a failure ends the reading of the other backups', async () => {
  const [gone, held] = [foreign('2026-01-02'), foreign('2026-01-01')] as const;
  const reading = deferred<void>();
  bed.server.faults.push(
    {
      operation: 'GetObject',
      key: new RegExp(held.id),
      what: { kind: 'hold', until: new Promise(() => {}), onHeld: () => reading.resolve() },
    },
    { operation: 'GetObject', key: new RegExp(gone.id), what: { kind: 'hold', until: reading.promise } },
    // Whether the one that cannot be found was deleted meanwhile.
    { operation: 'HeadObject', what: { kind: 'error', status: 400, code: 'InvalidRequest' } },
  );
  const readings: AbortSignal[] = [];
  const store: Store = {
    ...bed.store,
    get(key, options) {
      readings.push(options.signal);
      return bed.store.get(key, options);
    },
  };
  const context = contextOf({ store });
  await expect(findOutlooks(context, [gone, held], never)).rejects.toThrow(/cannot look up .* HTTP 400/);
  expect(readings.map(({ aborted }) => aborted)).toEqual([true, true]);
});

test('how much of the dumps has been read is shown, and then what is listed', async () => {
  const dump = dumpText(
    `${entry('TABLE DATA', 'files_manifest')}COPY public.files_manifest (id, file) FROM stdin;\n1\ta\n\\.\n`,
  );
  const options = { ifAbsent: true, contentType: 'text/plain', signal: never };
  await bed.store.put('shown/postgres-backup-20260101000000.sql', Buffer.from(dump), options);
  await bed.store.put('media/a', Buffer.from('x'), options);
  const backup = (await findBackup(bed.store, 'shown/', '20260101000000', never)) as UsableBackup;
  const shown: (string | number | undefined)[] = [];
  const note = (what: string | number | undefined) => shown.push(what);
  const startProgress = () => ({ add: note, step: note, stop: () => {} });
  const outlooks = await findOutlooks(contextOf({ startProgress }), [backup], never);
  expect(outlooks).toMatchObject([{ by: 'dump', references: 1, dangling: 0 }]);
  expect(shown).toEqual(
    expect.arrayContaining([`reading rows from dumps: ${formatBytes(dump.length)} so far`]),
  );
  expect(shown.slice(-2)).toEqual([undefined, 1]);

  shown.length = 0;
  await auditBackup(contextOf({ startProgress }), backup, { write: async () => {} }, never);
  expect(shown).toEqual(expect.arrayContaining([dump.length]));
  expect(shown.at(-1)).toBe(1);
});
