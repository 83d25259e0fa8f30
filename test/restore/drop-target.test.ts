import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { readSessionPid } from '../../src/postgres/session.ts';
import { targetDrop } from '../../src/restore/databases/drop-target.ts';
import { dropWithSubscriptions } from '../../src/restore/databases/drop-with-subscriptions.ts';
import { dropOld } from '../../src/restore/databases/old-databases.ts';
import { retryWhileAway } from '../../src/restore/databases/retry-while-away.ts';
import type { Logger } from '../../src/ui/log.ts';
import { withClient } from '../support/database.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

const admin = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));

/** The drop of a database over a connection that breaks while the server does something to that database. */
async function breakDrop(name: string, meanwhile: () => Promise<unknown>) {
  const { log, lines } = keepingLog();
  const breaking = {
    ...bed.tool,
    use: ((database, signal, work) =>
      bed.tool.use(database, signal, async (client) => {
        const query = client.query.bind(client);
        Object.assign(client, {
          query: async (...args: unknown[]) => {
            if (!/^DROP DATABASE/.test(String(args[0])))
              return (query as (...all: unknown[]) => unknown)(...args);
            await meanwhile();
            throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
          },
        });
        return work(client);
      })) as TestBed['tool']['use'],
  };
  const drop = targetDrop({ database: breaking, log }, name);
  await expect(drop.run(() => {}, new AbortController().signal)).rejects.toThrow('ECONNRESET');
  return { fate: await drop.fate(), lines };
}

test.each([
  ['a database that the server has not begun to drop serves on', '', 'as it was'],
  [
    'one whose drop the server has begun',
    'UPDATE pg_database SET datconnlimit = -2 WHERE datname = ',
    'cut off',
  ],
])('%s', async (_, change, fate) => {
  const name = `${bed.database.name}_fate`;
  await admin(`CREATE DATABASE ${name}`);
  try {
    const broken = await breakDrop(name, async () => change && (await admin(`${change}'${name}'`)));
    expect(broken).toEqual({ fate, lines: [] });
    if (fate === 'as it was') await withClient(bed.env, name, (client) => client.query('SELECT'));
  } finally {
    await admin(`DROP DATABASE ${name}`);
  }
});

test('one that is gone has been dropped', async () => {
  const name = `${bed.database.name}_gone`;
  await admin(`CREATE DATABASE ${name}`);
  expect(await breakDrop(name, () => admin(`DROP DATABASE ${name}`))).toEqual({ fate: 'dropped', lines: [] });
});

test('one whose drop waits for a lock when the restore is stopped serves on', async () => {
  const name = `${bed.database.name}_waiting`;
  await admin(`CREATE DATABASE ${name}`);
  try {
    await withClient(bed.env, 'postgres', async (holder) => {
      await holder.query(`BEGIN; COMMENT ON DATABASE ${name} IS 'held'`);
      const stop = new AbortController();
      const drop = targetDrop({ database: bed.tool, log: keepingLog().log }, name);
      const run = drop.run(() => {}, stop.signal);
      const isWaiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DROP%"${name}"'`;
      await vi.waitUntil(async () => (await admin(isWaiting)).rowCount === 1, { timeout: 60_000 });
      stop.abort(new Error('stopped'));
      await expect(run).rejects.toThrow('stopped');
      expect(await drop.fate()).toBe('as it was');
    });
    await withClient(bed.env, name, (client) => client.query('SELECT'));
  } finally {
    await admin(`DROP DATABASE ${name}`);
  }
});

test.each<[what: string, drop: (name: string, log: Logger) => Promise<unknown>]>([
  [
    'a drop',
    (name, log) =>
      targetDrop({ database: bed.tool, log }, name, 500).run(() => {}, new AbortController().signal),
  ],
  ['the drop of a database that was kept', (name, log) => dropOld({ database: bed.tool, log }, [name], 500)],
  [
    'the drop of a temporary database',
    (name, log) =>
      retryWhileAway(
        { database: bed.tool, log },
        `to drop database ${name}`,
        (server, signal) => dropWithSubscriptions(server, name, signal),
        500,
      ),
  ],
])('who is in the way of %s is named, which goes on once that has ended', async (_, drop) => {
  const name = `${bed.database.name}_blocked`;
  await admin(`CREATE DATABASE ${name}`);
  await withClient(bed.env, 'postgres', async (holder) => {
    await holder.query(`BEGIN; COMMENT ON DATABASE ${name} IS 'held'`);
    const pid = await readSessionPid(holder);
    const { log, lines } = keepingLog();
    const run = drop(name, log);
    await vi.waitUntil(() => lines.length > 0, { timeout: 60_000 });
    await holder.query('ROLLBACK');
    await run;
    expect(lines[0]).toMatch(
      new RegExp(
        `^warn: the server \\S+ takes long to drop database ${name}; waiting for it, because session ${pid} .* is in the way; end it \\(SELECT pg_terminate_backend\\(${pid}\\);\\)$`,
      ),
    );
  });
  expect((await admin(`SELECT FROM pg_database WHERE datname = '${name}'`)).rowCount).toBe(0);
});

test('none is dropped if the restore is stopped before', async () => {
  const name = `${bed.database.name}_stopped`;
  await admin(`CREATE DATABASE ${name}`);
  try {
    const drop = targetDrop({ database: bed.tool, log: keepingLog().log }, name);
    await expect(drop.run(() => {}, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    expect(await drop.fate()).toBe('as it was');
    await withClient(bed.env, name, (client) => client.query('SELECT'));
  } finally {
    await admin(`DROP DATABASE ${name}`);
  }
});

test('one that was not yet to be dropped is as it was', async () => {
  expect(await targetDrop({ database: bed.tool, log: keepingLog().log }, 'any').fate()).toBe('as it was');
});
