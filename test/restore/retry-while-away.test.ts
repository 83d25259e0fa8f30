import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { asAdminOf } from '../../src/restore/databases/as-admin.ts';
import { retryWhileAway } from '../../src/restore/databases/retry-while-away.ts';
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

function start(work: (database: Database) => Promise<string>, stop?: AbortSignal) {
  const { log, lines } = keepingLog();
  const config = readConfig({ env: { ...inject('postgres'), POSTGRES_DB: 'x' }, flags: {} }, ['database']);
  const database = { ...openDatabase(config, {}), server: 'db:5432' };
  return { result: retryWhileAway({ database, log, stop }, 'to drop database x', work), lines };
}

/** Work that reaches the server, and loses it after this many seconds. */
async function loseServer(database: Database, seconds: number): Promise<never> {
  return database.use(database.maintenanceName, new AbortController().signal, async () => {
    vi.advanceTimersByTime(seconds * SECOND);
    throw away();
  });
}

test('an attempt that takes long is told of once, and not given up', async () => {
  const done = deferred<string>();
  const { result, lines } = start(() => done.promise);
  vi.advanceTimersByTime(29 * SECOND);
  expect(lines).toEqual([]);
  await vi.advanceTimersByTimeAsync(10 * 60 * SECOND);
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
  await vi.advanceTimersByTimeAsync(31 * SECOND);
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

test('each outage has its own minute, once the server was there in between', async () => {
  let attempts = 0;
  const { result, lines } = start(async (database) => {
    attempts += 1;
    return attempts < 3 ? loseServer(database, 10 * 60) : 'dropped';
  });
  expect(await result).toBe('dropped');
  const waiting = 'warn: waiting up to 1m for the server db:5432, to drop database x: refused';
  expect(lines.filter((line) => line.includes('waiting up to'))).toEqual([waiting, waiting]);
});

test('work that takes the server down each time is given up', async () => {
  let attempts = 0;
  const { result } = start((database) => {
    attempts += 1;
    return loseServer(database, 1);
  });
  await expect(result).rejects.toThrow('refused');
  expect(attempts).toBe(6);
});

test('once the program is to end, a server that is away is not waited for', async () => {
  const stop = new AbortController();
  let attempts = 0;
  const { result, lines } = start(async () => {
    attempts += 1;
    if (attempts === 2) stop.abort();
    throw away();
  }, stop.signal);
  await expect(result).rejects.toThrow('refused');
  expect({ attempts, lines: lines.length }).toEqual({ attempts: 2, lines: 1 });
});

test('nor is the pause between two attempts then', async () => {
  const stop = new AbortController();
  let attempts = 0;
  const { result, lines } = start(async () => {
    attempts += 1;
    setImmediate(() => stop.abort());
    throw away();
  }, stop.signal);
  await expect(result).rejects.toThrow('refused');
  // One that ended an outage meanwhile would have done the work.
  expect({ attempts, lines: lines.length }).toEqual({ attempts: 2, lines: 1 });
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
