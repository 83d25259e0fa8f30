import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from '../../src/postgres/database.ts';
import { retryWhileAway } from '../../src/restore/databases/retry-while-away.ts';
import { asAdminOf } from '../../src/restore/databases/swap.ts';
import { deferred } from '../support/deferred.ts';
import { keepingLog } from '../support/test-bed.ts';

// The waits between attempts are those of node:timers/promises, which are not faked: each takes half a second.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const SECOND = 1000;

const away = () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

function start(work: () => Promise<string>) {
  const { log, lines } = keepingLog();
  return { result: retryWhileAway({ server: 'db:5432' }, 'to drop database x', log, work), lines };
}

test('an attempt that takes long is told of once, and not given up', async () => {
  const done = deferred<string>();
  const { result, lines } = start(() => done.promise);
  vi.advanceTimersByTime(29 * SECOND);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(10 * 60 * SECOND);
  done.resolve('dropped');
  expect(await result).toBe('dropped');
  vi.advanceTimersByTime(60 * SECOND);
  expect(lines).toEqual(['warn: the server db:5432 takes long to drop database x; waiting for it']);
});

test('a swap that takes long is told of, because nobody can connect meanwhile', async () => {
  const done = deferred<never>();
  const { log, lines } = keepingLog();
  const database: Database = {
    name: 'x',
    maintenanceName: 'postgres',
    user: 'u',
    server: 'db:5432',
    use: () => done.promise,
    childEnv: () => ({}),
  };
  const result = asAdminOf({ database, log }, 'put it in place of x')(async () => {});
  vi.advanceTimersByTime(31 * SECOND);
  done.reject(new Error('gone'));
  await expect(result).rejects.toThrow('gone');
  expect(lines).toEqual(['warn: the server db:5432 takes long to put it in place of x; waiting for it']);
});

test('the minute for a server that is away begins when it went away', async () => {
  const starts: number[] = [];
  const { result, lines } = start(async () => {
    starts.push(performance.now());
    // The first attempt lasts; the server goes away at its end.
    vi.advanceTimersByTime(starts.length === 1 ? 25 * 60 * SECOND : 25 * SECOND);
    throw away();
  });
  await expect(result).rejects.toThrow('refused');
  expect(starts).toHaveLength(4);
  expect(lines.filter((line) => line.includes('waiting up to'))).toEqual([
    'warn: waiting up to 1m for the server db:5432, to drop database x: refused',
  ]);
});

test('any other error ends it at once', async () => {
  let attempts = 0;
  const { result, lines } = start(async () => {
    attempts += 1;
    throw attempts === 1 ? away() : new Error('database "x" does not exist');
  });
  await expect(result).rejects.toThrow('does not exist');
  expect({ attempts, lines: lines.length }).toEqual({ attempts: 2, lines: 1 });
});
