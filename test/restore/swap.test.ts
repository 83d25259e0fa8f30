import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { readSessionPid } from '../../src/postgres/session.ts';
import { type AsAdmin, asAdminOf } from '../../src/restore/databases/as-admin.ts';
import { swapDatabases } from '../../src/restore/databases/swap.ts';
import { createTestDatabase, listDatabaseNames, type TestDatabase, withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { rollBackPrepared } from '../support/roll-back-prepared.ts';
import { keepingLog } from '../support/test-bed.ts';

const postgres = inject('postgres');
let serial = 0;
let old: TestDatabase;
let names: { target: string; scratch: string; kept: string };

beforeAll(async () => {
  old = await createTestDatabase(postgres);
});

afterAll(async () => {
  await rollBackPrepared(postgres, old.name);
  await old.drop();
});

/** A database that serves and one that is to take its place, each saying in a table which it is. */
beforeEach(async () => {
  const base = `${old.name}_${++serial}`;
  names = { target: base, scratch: `${base}_restore`, kept: `${base}_before` };
  for (const name of [names.target, names.scratch]) {
    await asAdmin((admin) => admin.query(`CREATE DATABASE "${name}"`));
    await withClient(postgres, name, (client) =>
      client.query(`CREATE TABLE iam AS SELECT '${name}'::text AS name`),
    );
  }
});

const asAdmin = <T>(work: (admin: pg.Client) => Promise<T>) => withClient(postgres, 'postgres', work);

async function whoIs(database: string): Promise<unknown> {
  return withClient(
    postgres,
    database,
    async (client) => (await client.query('SELECT name FROM iam')).rows[0]?.name,
  );
}

function connect(database: string): pg.Client {
  const client = new pg.Client({
    host: postgres.POSTGRES_HOST!,
    port: Number(postgres.POSTGRES_PORT),
    user: postgres.POSTGRES_USER!,
    password: postgres.POSTGRES_PASSWORD!,
    database,
  });
  client.on('error', () => {});
  return client;
}

test('both are renamed, and both may be connected to', async () => {
  await swapDatabases(asAdmin, names);
  expect(await whoIs(names.target)).toBe(names.scratch);
  expect(await whoIs(names.kept)).toBe(names.target);
  expect(await listDatabaseNames(postgres)).not.toContain(names.scratch);
});

test('an application with several sessions that connects anew at once does not stand in the way', async () => {
  const stop = new AbortController();
  const answers: unknown[] = [];
  const keepConnected = async () => {
    while (!stop.signal.aborted) {
      const client = connect(names.target);
      try {
        await client.connect();
        for (;;) {
          answers.push((await client.query('SELECT name FROM iam')).rows[0].name);
          if (stop.signal.aborted) break;
          await delay(1);
        }
      } catch {
        // Ended, refused, or not there at the moment: an application tries again.
        await delay(1);
      } finally {
        await client.end().catch(() => {});
      }
    }
  };
  const applications = Array.from({ length: 5 }, keepConnected);
  await expect.poll(() => answers, { timeout: 60_000 }).toContain(names.target);
  await swapDatabases(asAdmin, names);
  await expect.poll(() => answers.at(-1), { timeout: 60_000 }).toBe(names.scratch);
  stop.abort();
  await Promise.all(applications);
  const first = answers.indexOf(names.scratch);
  expect(answers.slice(first)).not.toContain(names.target);
});

const FAILING: readonly [about: string, prepare: () => Promise<unknown>, problem: RegExp][] = [
  [
    'it cannot be renamed: the name for the old one is taken',
    () => asAdmin((admin) => admin.query(`CREATE DATABASE "${names.kept}"`)),
    /cannot rename database .* already exists/,
  ],
  [
    'nothing can take its place: the restored database is gone',
    () => asAdmin((admin) => admin.query(`DROP DATABASE "${names.scratch}"`)),
    /cannot refuse connections to database .* does not exist/,
  ],
  [
    'it cannot be renamed: a prepared transaction holds it',
    () =>
      withClient(postgres, names.target, (client) =>
        client.query(`BEGIN; INSERT INTO iam VALUES ('x'); PREPARE TRANSACTION '${names.target}'`),
      ),
    /cannot rename database .* prepared transactions keep it from being .* — run in it: ROLLBACK PREPARED 't_\w+';/,
  ],
];

test.each(FAILING)('the old database serves on when %s', async (_, prepare, problem) => {
  await prepare();
  await expect(swapDatabases(asAdmin, names)).rejects.toThrow(problem);
  expect(await whoIs(names.target)).toBe(names.target);
});

/** Waits a second for the server's answer. */
function impatient(): AsAdmin {
  return asAdminOf({ database: openTarget(), log: keepingLog().log }, 'put it in place of topobank', {
    answerMs: 1000,
    slowMs: 60_000,
  });
}

const openTarget = () => openDatabase(readConfig({ env: old.env, flags: {} }, ['database']), {});

test('a swap that has to wait names who is in the way, and goes on once that has ended', async () => {
  await withClient(postgres, 'postgres', async (holder) => {
    await holder.query(`BEGIN; COMMENT ON DATABASE "${names.target}" IS 'x'`);
    const pid = await readSessionPid(holder);
    const { log, lines } = keepingLog();
    const told = deferred<void>();
    const telling = {
      ...log,
      warn: (line: string) => {
        log.warn(line);
        told.resolve();
      },
    };
    const limits = { answerMs: 300_000, slowMs: 500 };
    const context = { database: openTarget(), log: telling };
    const waiting = asAdminOf(context, 'put it in place of topobank', limits);
    const swapped = swapDatabases(waiting, names);
    await told.promise;
    await holder.query('ROLLBACK');
    await swapped;
    expect(lines[0]).toMatch(
      new RegExp(
        `^warn: the server \\S+ takes long to put it in place of topobank; waiting for it, because session ${pid} .* is in the way; end it \\(SELECT pg_terminate_backend\\(${pid}\\);\\)$`,
      ),
    );
  });
  expect(await whoIs(names.target)).toBe(names.scratch);
});

test('a server that gives no answer in the middle of a swap is not waited for without end', async () => {
  await expect(impatient()((admin) => admin.query('SELECT pg_sleep(600)'))).rejects.toThrow(
    /^cannot put it in place of topobank: \S+ gave no answer within 1s — check the network, the server’s log and pg_locks, and run again$/,
  );
});

test('no session is ended for a swap that a prepared transaction does not let be', async () => {
  const session = connect(names.target);
  await session.connect();
  try {
    await session.query(`BEGIN; INSERT INTO iam VALUES ('x'); PREPARE TRANSACTION '${names.target}'`);
    await expect(swapDatabases(asAdmin, names)).rejects.toThrow(/prepared transactions keep it from/);
    expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await session.end();
  }
});

/** What of a connection breaks off, and when: as the query goes out, or as its answer comes in. */
const BREAKS: readonly [about: string, query: RegExp, when: 'sent' | 'answered', swapped: boolean][] = [
  ['before connections are refused', /ALLOW_CONNECTIONS false/, 'sent', false],
  ['once connections to one are refused', /_restore" ALLOW_CONNECTIONS false/, 'answered', false],
  ['once connections are refused', /\d" ALLOW_CONNECTIONS false/, 'answered', false],
  ['between the renames', /_restore" RENAME/, 'sent', false],
  ['after both renames', /_restore" RENAME/, 'answered', false],
  ['before the commit', /^COMMIT/, 'sent', false],
  ['with the answer to the commit', /^COMMIT/, 'answered', true],
];

test.each(BREAKS)('when the connection breaks %s, a database serves under the name', async (_, ...how) => {
  const [query, when, swapped] = how;
  const breaking: typeof asAdmin = (work) =>
    withClient(postgres, 'postgres', (admin) => work(breakAt(admin, query, when)));
  let broken = false;
  const once: typeof asAdmin = (work) => {
    if (broken) return asAdmin(work);
    broken = true;
    return breaking(work);
  };
  const swap = swapDatabases(once, names);
  if (swapped) await swap;
  else await expect(swap).rejects.toThrow('the line broke');
  expect(await whoIs(names.target)).toBe(swapped ? names.scratch : names.target);
  expect(await whoIs(swapped ? names.kept : names.scratch)).toBe(swapped ? names.target : names.scratch);
});

test('what the server will not allow to be set right is not tried again and again', async () => {
  const mate = `${names.target}_mate`;
  await asAdmin((admin) => admin.query(`CREATE ROLE "${mate}"`));
  let connections = 0;
  const losingItsRights: typeof asAdmin = (work) =>
    asAdmin(async (admin) => {
      connections += 1;
      if (connections === 1) return work(breakAt(admin, /\d" ALLOW_CONNECTIONS false/, 'answered'));
      await admin.query(`SET ROLE "${mate}"`);
      return work(admin);
    });
  try {
    await expect(swapDatabases(losingItsRights, names)).rejects.toThrow(
      `cannot leave database ${names.target} as it was: it still refuses connections after this failure: cannot refuse connections to database ${names.target}: the line broke`,
    );
    expect(connections).toBe(2);
  } finally {
    await asAdmin((admin) => admin.query(`DROP ROLE "${mate}"`));
  }
});

/** The client, whose socket is torn down at the first such query. */
function breakAt(client: pg.Client, at: RegExp, when: 'sent' | 'answered'): pg.Client {
  client.on('error', () => {});
  const query = client.query.bind(client) as (text: string, values?: unknown[]) => Promise<unknown>;
  const tear = (): never => {
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    throw new Error('the line broke');
  };
  const torn = async (text: string, values?: unknown[]) => {
    if (!at.test(text)) return query(text, values);
    if (when === 'sent') return tear();
    await query(text, values);
    return tear();
  };
  return Object.assign(client, { query: torn });
}

test('nothing of a swap that was given up takes effect later', async () => {
  await withClient(postgres, 'postgres', async (holder) => {
    // A transaction that changes a database holds up all others that would.
    await holder.query(`BEGIN; GRANT TEMPORARY ON DATABASE "${names.target}" TO PUBLIC`);
    const pid = await readSessionPid(holder);
    await expect(swapDatabases(impatient(), names)).rejects.toThrow(
      new RegExp(
        `gave no answer within 1s, because session ${pid} \\(.*role \\S+, in a transaction since .* UTC\\) is in the way — end it \\(SELECT pg_terminate_backend\\(${pid}\\);\\) and run again$`,
      ),
    );
    const { rows } = await holder.query(
      `SELECT query FROM pg_stat_activity WHERE state = 'active' AND strpos(query, $1) > 0 AND pid <> pg_backend_pid()`,
      [`ALTER DATABASE "${names.target}"`],
    );
    expect(rows).toEqual([]);
    await holder.query('ROLLBACK');
  });
  expect(await whoIs(names.target)).toBe(names.target);
});

test('each prepared transaction of another database that is in the way of a swap is told of once', async () => {
  const { target } = names;
  await asAdmin(async (admin) => {
    await admin.query(`CREATE ROLE "${target}" SUPERUSER`);
    // One with two locks of the database, and one with a lock that goes with these.
    await admin.query(
      `BEGIN; ALTER ROLE "${target}" IN DATABASE "${target}" SET work_mem = '4MB'; COMMENT ON DATABASE "${target}" IS 'x'; PREPARE TRANSACTION '${target}_1'`,
    );
    await admin.query(`SET SESSION AUTHORIZATION "${target}"`);
    await admin.query(
      `BEGIN; ALTER ROLE "${postgres.POSTGRES_USER}" IN DATABASE "${target}" SET work_mem = '4MB'; PREPARE TRANSACTION '${target}_2'`,
    );
  });
  try {
    await expect(swapDatabases(impatient(), names)).rejects.toThrow(
      new RegExp(
        `gave no answer within 1s, because the prepared transaction ${target}_1 of database postgres \\(role ${postgres.POSTGRES_USER}, since [-0-9]+ [:0-9]+ UTC\\) and the prepared transaction ${target}_2 of database postgres \\(role ${target}, since [-0-9]+ [:0-9]+ UTC\\) are in the way — end them \\(in database postgres: ROLLBACK PREPARED '${target}_1'; or COMMIT PREPARED '${target}_1'; in database postgres: ROLLBACK PREPARED '${target}_2'; or COMMIT PREPARED '${target}_2';\\) and run again$`,
      ),
    );
  } finally {
    await asAdmin(async (admin) => {
      for (const which of [1, 2]) await admin.query(`ROLLBACK PREPARED '${target}_${which}'`);
      await admin.query(`DROP ROLE "${target}"`);
    });
  }
});

test('all who are in the way of a swap are named, such as a restore that was killed while it waited', async () => {
  await asAdmin(async (holder) => {
    await holder.query(`BEGIN; COMMENT ON DATABASE "${names.target}" IS 'x'`);
    const waiting = connect('postgres');
    await waiting.connect();
    const waitingPid = await readSessionPid(waiting);
    const pids = [await readSessionPid(holder), waitingPid].toSorted((a, b) => a - b);
    const renamed = waiting.query(`ALTER DATABASE "${names.target}" RENAME TO "${names.kept}"`);
    const ended = expect(renamed).rejects.toThrow('terminating connection');
    const waits = `SELECT FROM pg_stat_activity WHERE pid = ${waitingPid} AND wait_event_type = 'Lock'`;
    await expect
      .poll(async () => (await asAdmin((admin) => admin.query(waits))).rowCount, { timeout: 60_000 })
      .toBe(1);
    await expect(swapDatabases(impatient(), names)).rejects.toThrow(
      new RegExp(
        `because session ${pids[0]} .*and session ${pids[1]} .* are in the way — end them \\(SELECT pg_terminate_backend\\(${pids[0]}\\); SELECT pg_terminate_backend\\(${pids[1]}\\);\\) and run again$`,
      ),
    );
    await asAdmin((admin) => admin.query('SELECT pg_terminate_backend($1)', [waitingPid]));
    await ended;
    await holder.query('ROLLBACK');
  });
});
