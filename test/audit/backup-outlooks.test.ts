import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOutlooks, type OutlookContext } from '../../src/audit/backup-outlooks.ts';
import type { Store } from '../../src/s3/store.ts';
import { foreign } from '../retention/backups.ts';
import { deferred } from '../support/deferred.ts';
import { keepingLog, noProgress } from '../support/test-bed.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

let bed: TestStore;

beforeAll(async () => {
  bed = await startTestStore();
});

afterAll(() => bed.close());

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
    { operation: 'HeadObject', what: { kind: 'error', status: 403, code: 'AccessDenied' } },
  );
  const readings: AbortSignal[] = [];
  const store: Store = {
    ...bed.store,
    get(key, options) {
      readings.push(options.signal);
      return bed.store.get(key, options);
    },
  };
  const context: OutlookContext = {
    store,
    mediaPrefix: 'media/',
    otherPrefixes: [],
    readers: 1,
    ownSources: [],
    tools: { binDir: undefined, env: {} },
    space: { memory: 1024 ** 2, directory: '/tmp' },
    startProgress: noProgress,
    log: keepingLog().log,
  };
  const never = new AbortController().signal;
  await expect(findOutlooks(context, [gone, held], never)).rejects.toThrow(/cannot look up .* HTTP 403/);
  expect(readings.map(({ aborted }) => aborted)).toEqual([true, true]);
});
