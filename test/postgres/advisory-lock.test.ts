import { once } from 'node:events';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { DatabaseError, LockedError } from '../../src/errors.ts';
import { type LockOptions, lockKey, withLock } from '../../src/postgres/advisory-lock.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { watchConnection } from '../../src/postgres/watch-connection.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { keepingLog } from '../support/test-bed.ts';
import { warningsOfListeners } from '../support/warnings-of-listeners.ts';

const never = new AbortController().signal;

let target: TestDatabase;
let database: Database;

beforeAll(async () => {
  target = await createTestDatabase(inject('postgres'));
  database = open(target.name);
});

afterAll(() => target.drop());

function open(name: string): Database {
  const env = { ...target.env, POSTGRES_DB: name };
  return openDatabase(readConfig({ env, flags: {} }, ['database']), {});
}

function lock(given: Partial<LockOptions> = {}): LockOptions {
  return { purpose: 'do it', holder: 'topobank-backup test', waitMs: 0, log: keepingLog().log, ...given };
}

const asAdmin = (sql: string) => withClient(target.env, 'postgres', (client) => client.query(sql));

/** Holds the lock until it is told to let go. */
async function hold(given: Partial<LockOptions> = {}, signal = never) {
  const began = deferred<AbortSignal>();
  const end = deferred<void>();
  const done = withLock(database, lock(given), signal, async (held) => {
    began.resolve(held);
    await end.promise;
  });
  done.catch(began.reject);
  const held = await began.promise;
  return { held, done, letGo: end.resolve };
}

test('the signal that the work is given may be heard by many', async () => {
  const { held, done, letGo } = await hold();
  const warnings = await warningsOfListeners(held);
  letGo();
  await done;
  expect(warnings).toEqual([]);
});

test('another run is refused, and told who holds the lock', async () => {
  const { letGo, done } = await hold({ holder: 'topobank-backup backup on web1, process 4711' });
  const refused = await withLock(database, lock({ purpose: 'restore x' }), never, async () => 'ran').catch(
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(LockedError);
  expect(String(refused)).toMatch(
    /cannot restore x: another run holds the lock: topobank-backup backup on web1, process 4711 \(PostgreSQL session \d+ from 127\.0\.0\.1, connected since [\d-]+ [\d:]+ UTC\) — wait until it has ended, or set LOCK_WAIT/,
  );
  letGo();
  await done;
  expect(await withLock(database, lock(), never, async () => 'ran')).toBe('ran');
});

test('another run waits until the lock is free', async () => {
  const { letGo, done } = await hold();
  const waiting = deferred<string>();
  const log = { ...keepingLog().log, info: waiting.resolve };
  const second = withLock(database, lock({ waitMs: 60_000, log }), never, async () => 'ran');
  expect(await waiting.promise).toMatch(/^waiting up to 1m for another run to end: topobank-backup test/);
  letGo();
  expect(await second).toBe('ran');
  await done;
});

test('but no longer than it may', async () => {
  const { letGo, done } = await hold();
  const second = withLock(database, lock({ waitMs: 20 }), never, async () => 'ran');
  await expect(second).rejects.toThrow(/after 20ms another run still holds the lock: topobank-backup test/);
  letGo();
  await done;
});

test('the waiting is broken off by a signal', async () => {
  const { letGo, done } = await hold();
  const stop = new AbortController();
  const reason = new Error('stopped');
  const log = { ...keepingLog().log, info: () => stop.abort(reason) };
  const second = withLock(database, lock({ waitMs: 60_000, log }), stop.signal, async () => 'ran');
  await expect(second).rejects.toBe(reason);
  letGo();
  await done;
});

test('without a pooler, one connection is all that it takes', async () => {
  const used: string[] = [];
  const counting: Database = {
    ...database,
    use: (name, signal, work) => {
      used.push(name);
      return database.use(name, signal, work);
    },
  };
  expect(await withLock(counting, lock(), never, async () => 'ran')).toBe('ran');
  expect(used).toEqual(['postgres']);
});

test('runs on another database are in nobody’s way', async () => {
  const { letGo, done } = await hold();
  expect(await withLock(open(`${target.name}_other`), lock(), never, async () => 'ran')).toBe('ran');
  letGo();
  await done;
});

test('work that fails lets go of the lock', async () => {
  const failing = withLock(database, lock(), never, async () => {
    throw new Error('it failed');
  });
  await expect(failing).rejects.toThrow('it failed');
  expect(await withLock(database, lock(), never, async () => 'ran')).toBe('ran');
});

test('letting go of the lock does not wait for a server that answers no more', async () => {
  const holder = 'topobank-backup to be silent';
  const pace = { askMs: 5, answerMs: 200 };
  let pid = 0;
  const done = withLock(database, lock({ holder, pace }), never, async () => {
    const { rows } = await asAdmin(`SELECT pid FROM pg_stat_activity WHERE application_name = '${holder}'`);
    pid = rows[0].pid;
    process.kill(pid, 'SIGSTOP');
    return 'ran';
  });
  try {
    expect(await done).toBe('ran');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}, 30_000);

test('what is stopped cleans up while it still holds the lock', async () => {
  const stop = new AbortController();
  const { held, letGo, done } = await hold({}, stop.signal);
  stop.abort(new Error('stopped'));
  expect(held.aborted).toBe(true);
  await expect(withLock(database, lock(), never, async () => 'ran')).rejects.toBeInstanceOf(LockedError);
  letGo();
  await done;
});

test('the database may be renamed and dropped under the lock', async () => {
  const other = await createTestDatabase(inject('postgres'));
  const ran = await withLock(open(other.name), lock(), never, async () => {
    await asAdmin(`ALTER DATABASE ${other.name} RENAME TO ${other.name}_kept`);
    await asAdmin(`DROP DATABASE ${other.name}_kept`);
    await expect(withLock(open(other.name), lock(), never, async () => '')).rejects.toBeInstanceOf(
      LockedError,
    );
    return 'ran';
  });
  expect(ran).toBe('ran');
});

test('the work is aborted when the connection that holds the lock ends', async () => {
  const { held, letGo, done } = await hold({ holder: 'topobank-backup to be ended' });
  const lost = once(held, 'abort');
  await asAdmin(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'topobank-backup to be ended'",
  );
  await lost;
  expect(held.reason).toBeInstanceOf(DatabaseError);
  expect(String(held.reason)).toMatch(
    /cannot do it: the connection that holds the lock (broke \(terminating connection|was closed)/,
  );
  letGo();
  await done;
  // The server tells the client first, and lets go of the lock then.
  expect(await withLock(database, lock({ waitMs: 60_000 }), never, async () => 'ran')).toBe('ran');
});

test('a server without the maintenance database names the variable', async () => {
  const env = { ...target.env, POSTGRES_MAINTENANCE_DB: 'not_there' };
  const elsewhere = openDatabase(readConfig({ env, flags: {} }, ['database']), {});
  await expect(withLock(elsewhere, lock(), never, async () => 'ran')).rejects.toThrow(
    /cannot connect to database not_there .* — set POSTGRES_MAINTENANCE_DB to a database/,
  );
});

test('a pooler that changes the session is noticed', async () => {
  await database.use('postgres', never, async (client) => {
    const watch = watchConnection(client, -1, 'cannot do it', { askMs: 1, answerMs: 60_000 });
    await once(watch.lost, 'abort');
    watch.stop();
    expect(String(watch.lost.reason)).toMatch(
      /a different session for each transaction.* — set POSTGRES_HOST/,
    );
  });
});

test('a server that answers no more is noticed', async () => {
  await database.use('postgres', never, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]!.pid;
    process.kill(pid, 'SIGSTOP');
    try {
      const watch = watchConnection(client, pid, 'cannot do it', { askMs: 5, answerMs: 20 });
      await once(watch.lost, 'abort');
      watch.stop();
      expect(String(watch.lost.reason)).toMatch(/the connection that holds the lock no longer responds/);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});

test('a lock’s number is that of its database, and one that PostgreSQL takes', () => {
  expect(lockKey('topobank')).toBe(lockKey('topobank'));
  const keys = ['topobank', 'Topobank', 'topobank2', 'ü', ''].map((name) => BigInt(lockKey(name)));
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expect(BigInt.asIntN(64, key)).toBe(key);
});
