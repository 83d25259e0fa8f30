import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { LockedError } from '../../src/errors.ts';
import { type LockOptions, lockKey, withLock } from '../../src/postgres/advisory-lock.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { findPooling } from '../../src/postgres/pooler.ts';
import { createTestDatabase, type Environment, withClient } from '../support/database.ts';
import { findPgbouncer, startPgbouncer } from '../support/pgbouncer.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

const SESSION_POOL = 'set POSTGRES_HOST and POSTGRES_PORT to PostgreSQL itself, or to a pool in session mode';
const REFERENCES = '[{"column": "files.key"}]';

const never = new AbortController().signal;
const program = findPgbouncer(process.env);
const testThroughPooler = test.skipIf(program === undefined);
let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`CREATE TABLE files (id int PRIMARY KEY, key text)`);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
});

afterAll(() => bed.close());

/** Runs `work` with the variables of a PgBouncer before the server. */
async function through(
  settings: Environment,
  work: (env: Environment) => Promise<void>,
  databases?: readonly string[],
): Promise<void> {
  const pooler = await startPgbouncer(program!, bed.env, settings, databases);
  try {
    await work(pooler.env);
  } finally {
    await pooler.stop();
  }
}

function open(env: Environment): Database {
  return openDatabase(readConfig({ env, flags: {} }, ['database']), {});
}

function lock(): LockOptions {
  return { purpose: 'do it', holder: 'topobank-backup test', waitMs: 0, log: keepingLog().log };
}

/** What the doctor says of the pooler. */
async function diagnose(env: Environment): Promise<DoctorFinding | undefined> {
  const { stdout } = await bed.run(['doctor', '--json'], env);
  return (JSON.parse(stdout) as DoctorFinding[]).find(({ check }) => check === 'database: pooler');
}

/** How many sessions hold the lock of the database. */
async function countLocks(): Promise<number> {
  return withClient(bed.env, 'postgres', async (client) => {
    const { rows } = await client.query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = $1`,
      [lockKey(bed.database.name)],
    );
    return rows.length;
  });
}

testThroughPooler.each(['transaction', 'statement'])(
  'in %s mode nothing is done that needs the lock, and doctor says why',
  async (mode) => {
    const before = { keys: await bed.keys(), databases: await bed.databases() };
    await through({ pool_mode: mode }, async (env) => {
      for (const args of [['backup'], ['restore', '--latest', '--yes', '--no-audit']]) {
        const refused = await bed.run(args, env);
        expect(refused).toMatchObject({ status: 1, stdout: '' });
        expect(refused.stderr).toMatch(
          /^topobank-backup: cannot (back up|restore) .*: a pooler passes the server’s sessions from connection to connection, .* — /,
        );
        expect(refused.stderr).toContain(` — ${SESSION_POOL}\n`);
      }
      expect(await diagnose(env)).toMatchObject({
        state: 'fault',
        detail: expect.stringMatching(/^a pooler passes the server’s sessions/),
        remedy: SESSION_POOL,
      });
      expect(await countLocks()).toBe(0);
    });
    expect({ keys: await bed.keys(), databases: await bed.databases() }).toEqual(before);
  },
);

testThroughPooler('where sessions are taken in turn, it is noticed', async () => {
  await through({ pool_mode: 'transaction', server_round_robin: '1' }, async (env) => {
    await withClient(env, 'postgres', (one) =>
      withClient(env, 'postgres', async (other) => {
        for (const sql of ['BEGIN', 'COMMIT']) for (const client of [one, other]) await client.query(sql);
      }),
    );
    const database = open(env);
    const pooling = await database.use('postgres', never, (client) => findPooling(database, client, never));
    expect(pooling).toBe('shared');
  });
});

testThroughPooler('a refusal leaves others’ sessions as they were', async () => {
  const other = await createTestDatabase(bed.env);
  try {
    await other.query(`ALTER DATABASE ${other.name} SET statement_timeout = '7s'`);
    await through({ pool_mode: 'transaction' }, async (env) => {
      const refused = await bed.run(['backup'], { ...env, POSTGRES_MAINTENANCE_DB: other.name });
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('a pooler passes') });
      await withClient(env, other.name, async (client) => {
        expect((await client.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: '7s' }]);
      });
    });
  } finally {
    await other.drop();
  }
});

testThroughPooler('in statement mode an audit, which needs no lock, is refused in words', async () => {
  await through({ pool_mode: 'statement' }, async (env) => {
    const refused = await bed.run(['audit-orphans'], { ...env, AUDIT_REFERENCES: REFERENCES });
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^topobank-backup: cannot audit .*: transaction blocks not allowed/);
    expect(refused.stderr).toContain(` — ${SESSION_POOL}\n`);
  });
});

testThroughPooler('in session mode all goes on, under a lock that holds', async () => {
  await through({ pool_mode: 'session' }, async (env) => {
    expect(await bed.run(['backup'], env)).toMatchObject({ status: 0 });
    expect(await bed.run(['restore', '--latest', '--yes'], env)).toMatchObject({ status: 0 });
    expect(await diagnose(env)).toMatchObject({ state: 'ok', detail: 'keeps a session for each connection' });
    await withLock(open(env), lock(), never, async () => {
      await expect(withLock(bed.tool, lock(), never, async () => '')).rejects.toBeInstanceOf(LockedError);
    });
    expect(await countLocks()).toBe(0);
  });
});

testThroughPooler(
  'a pooler that keeps sessions of the restored database is not in the way of its name',
  async () => {
    await through({ pool_mode: 'session' }, async (env) => {
      const name = `${bed.database.name}_beside`;
      expect(await bed.run(['restore', '--latest', '--into', name], env)).toMatchObject({ status: 0 });
      expect(await bed.databases()).toContain(name);
    });
  },
);

testThroughPooler(
  'one that refuses for a while what it could not reach during the swap is waited for',
  async () => {
    const { name } = bed.database;
    // Its clients wait for a session while it cannot have any, which is not to last.
    const settings = { pool_mode: 'session', server_login_retry: '10', query_wait_timeout: '2' };
    await through(settings, async (env) => {
      const mayConnect = () =>
        withClient(env, name, (client) => client.query('SELECT')).then(
          () => true,
          () => false,
        );
      await withClient(bed.env, 'postgres', async (holder) => {
        await holder.query(`BEGIN; COMMENT ON DATABASE ${name} IS 'held'`);
        const restore = bed.run(['restore', '--latest', '--yes'], { ...env, AUDIT_REFERENCES: REFERENCES });
        await vi.waitUntil(async () => !(await mayConnect()), { timeout: 60_000 });
        await holder.query('ROLLBACK');
        const restored = await restore;
        expect(restored).toMatchObject({ status: 0 });
        expect(restored.stderr).not.toContain('skipping');
        expect(restored.stderr).toMatch(/the rows of the restored database and the media objects agree\n/);
      });
    });
  },
);

testThroughPooler('in session mode one session is enough for the lock', async () => {
  await through({ pool_mode: 'session', default_pool_size: '1' }, async (env) => {
    expect(await withLock(open(env), lock(), never, async () => 'ran')).toBe('ran');
  });
});

testThroughPooler('a maintenance database that it does not serve names the variable', async () => {
  const serves = [bed.database.name];
  await through(
    { pool_mode: 'session' },
    async (env) => {
      const refused = await bed.run(['backup'], env);
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toMatch(
        /: no such database: postgres — set POSTGRES_MAINTENANCE_DB to a database that the role may connect to\n$/,
      );
    },
    serves,
  );
});
