import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { createTestDatabase, withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { FAKE_END, FAKE_HEADER, fakePgDump, fakeRows } from '../support/fake-pg-dump.ts';
import { startService } from '../support/running-service.ts';
import { startS3Server } from '../support/s3-server/server.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import { storeEnv } from '../support/topobank-backup.ts';

let bed: TestBed;
let serial = 0;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE surface AS SELECT g AS id FROM generate_series(1, 1000) g');
});

afterEach(() => {
  bed.server.faults.length = 0;
  bed.server.requests.length = 0;
});

afterAll(() => bed.close());

const fake = (script: string) => fakePgDump(bed.directory, `bin-${++serial}`, script);

async function expectNothing(): Promise<void> {
  expect(await bed.keys()).toEqual([]);
  expect(await bed.pendingUploads()).toEqual([]);
}

const MEGABYTES = fakeRows(20_000_000);

/** What a pg_dump may do, and what the operator is then told. */
const FAILING: readonly [about: string, script: string, message: RegExp][] = [
  [
    'writes megabytes and exits with status 3',
    `${FAKE_HEADER}; ${MEGABYTES}; echo 'pg_dump: error: out of luck' >&2; exit 3`,
    /^topobank-backup: cannot back up database \S+ on 127\.0\.0\.1:\d+: \S+\/pg_dump: exit status 3, pg_dump: error: out of luck — see the server’s log$/m,
  ],
  [
    'warns and complains at length around its error',
    `for i in 1 2 3 4; do echo "WARNING:  collation $i" >&2; done; echo 'pg_dump: error: out of luck' >&2; ${fakeRows(9000)} >&2; exit 1`,
    /pg_dump: exit status 1, pg_dump: error: out of luck x{3000,} — /,
  ],
  ['says a lot, without the word', `echo '1\n2\n3\n4' >&2; exit 1`, /pg_dump: exit status 1, 2 3 4 — /],
  [
    'writes a whole dump and exits with status 1',
    `${FAKE_HEADER}; ${FAKE_END}; exit 1`,
    /pg_dump: exit status 1 — /,
  ],
  ['is killed', `${FAKE_HEADER}; ${MEGABYTES}; kill -9 $$`, /pg_dump: ended by SIGKILL — /],
  [
    'ends early, with status 0',
    `${FAKE_HEADER}; ${MEGABYTES}; printf '\\n\\\\.\\n'; exit 0`,
    /cannot read the dump of database \S+: it ends without pg_dump’s closing line — /,
  ],
  ['ends inside the rows, with status 0', `${FAKE_HEADER}; ${MEGABYTES}`, /it ends inside the rows of t — /],
  ['writes nothing, with status 0', 'exit 0', /it is empty, so it is not a plain dump from pg_dump/],
  ['writes something else', `${fakeRows(100_000)}`, /so it is not a plain dump from pg_dump/],
  [
    'may not read a sequence, as version 18 tells it,',
    `echo 'pg_dump: error: failed to get data for sequence "a_id_seq"; user may lack SELECT privilege on the sequence or the sequence may have been concurrently dropped' >&2; exit 1`,
    /concurrently dropped — the role must be able to read every table and sequence; use the database’s owner$/m,
  ],
  [
    'gets none of the connections that are kept for some roles',
    `echo 'pg_dump: error: connection to server failed: FATAL:  remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role' >&2; exit 1`,
    /role — wait, raise max_connections, or GRANT pg_use_reserved_connections to the role WITH INHERIT TRUE$/m,
  ],
  [
    'gets none of the connections that are kept for superusers',
    `echo 'pg_dump: error: connection to server failed: FATAL:  remaining connection slots are reserved for non-replication superuser connections' >&2; exit 1`,
    /connections — wait, or raise max_connections$/m,
  ],
  [
    'finds every connection taken',
    `echo 'pg_dump: error: connection to server failed: FATAL:  sorry, too many clients already' >&2; exit 1`,
    /already — wait, or raise max_connections$/m,
  ],
  [
    'finds a table dropped that it was about to lock',
    `echo 'pg_dump: error: query failed: ERROR:  relation "public.brief" does not exist' >&2; exit 1`,
    /does not exist — run again, for it may have been dropped or renamed at this moment; if it fails again, .*$/m,
  ],
  [
    'finds a function dropped that it was about to print',
    `echo 'pg_dump: error: query failed: ERROR:  cache lookup failed for function 16384' >&2; exit 1`,
    /16384 — run again, for it may have been dropped or renamed at this moment; if it fails again, .*$/m,
  ],
  [
    'has more tables to lock than the server has room for',
    `echo 'pg_dump: error: query failed: ERROR:  out of shared memory' >&2; echo 'HINT:  You might need to increase max_locks_per_transaction.' >&2; exit 1`,
    /per_transaction\. — raise max_locks_per_transaction for as many tables and sequences, restart the server, and run again$/m,
  ],
  ['cannot be started', 'exit 126', /pg_dump: exit status 126/],
];

test.each(FAILING)('a pg_dump that %s leaves nothing in the store', async (_, script, message) => {
  const result = await bed.run(['backup', '--quiet'], { PG_BINDIR: fake(script) });
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toMatch(message);
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
  await expectNothing();
  expect(bed.server.requests.map(({ operation }) => operation)).not.toContain('CompleteMultipartUpload');
});

test('of a real pg_dump the error is told, not the warnings before it', async () => {
  const role = `${bed.database.name}_reader`;
  const other = await createTestDatabase(bed.env, `TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'`);
  try {
    await other.query(`CREATE TABLE t (a int); CREATE ROLE ${role} LOGIN PASSWORD 'reads'`);
    await other.query(`UPDATE pg_database SET datcollversion = '1' WHERE datname = current_database()`);
    const reader = { POSTGRES_DB: other.name, POSTGRES_USER: role, POSTGRES_PASSWORD: 'reads' };
    const result = await bed.run(['backup', '--quiet'], reader);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /pg_dump: exit status 1, pg_dump: error: .*permission denied for table t.* — the role must be able to read every table and sequence; use the database’s owner\n$/,
    );
  } finally {
    await other.drop();
    await bed.database.query(`DROP ROLE IF EXISTS ${role}`);
  }
  await expectNothing();
});

test('an owner from whom row-level security hides rows is not told to be the owner', async () => {
  const role = `${bed.database.name}_owner`;
  const other = await createTestDatabase(bed.env);
  try {
    await other.query(`CREATE ROLE ${role} LOGIN PASSWORD 'owns'; CREATE TABLE t (a int); ALTER TABLE t OWNER TO ${role};
      ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
    const owner = { POSTGRES_DB: other.name, POSTGRES_USER: role, POSTGRES_PASSWORD: 'owns' };
    const result = await bed.run(['backup', '--quiet'], owner);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /row-level security policy for table "t".* — ALTER TABLE … NO FORCE ROW LEVEL SECURITY, or use a role with BYPASSRLS\n$/,
    );
  } finally {
    await other.drop();
    await bed.database.query(`DROP ROLE IF EXISTS ${role}`);
  }
  await expectNothing();
});

test('a role that may have too few connections is told which limit it is', async () => {
  const role = `${bed.database.name}_few`;
  const other = await createTestDatabase(bed.env);
  try {
    await other.query(`CREATE ROLE ${role} LOGIN PASSWORD 'few' CONNECTION LIMIT 2`);
    const few = { POSTGRES_DB: other.name, POSTGRES_USER: role, POSTGRES_PASSWORD: 'few' };
    const result = await bed.run(['backup', '--quiet'], { ...few, MEDIA_MANIFEST: 'off' });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /pg_dump: error: .*too many connections for role "\S+" — wait, or raise the limit with ALTER ROLE "\S+" CONNECTION LIMIT\n$/,
    );
    await other.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
    expect((await bed.run(['backup', '--quiet'], few)).stderr).toMatch(
      /cannot connect to database \S+ .*: too many connections for role "\S+" — wait, or raise the limit with ALTER ROLE /,
    );
  } finally {
    await other.drop();
    await bed.database.query(`DROP ROLE IF EXISTS ${role}`);
  }
  await expectNothing();
});

/** Whether a process runs; one that has ended and whose status nobody has taken yet (`Z`) does not. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Scripts that tell their process, and a child's, before they stand still. */
const STANDING: readonly [about: string, signal: NodeJS.Signals, status: number, script: string][] = [
  ['before a byte was written', 'SIGTERM', 143, ''],
  ['before a byte was written', 'SIGHUP', 129, ''],
  ['while parts are on their way', 'SIGINT', 130, `${FAKE_HEADER}; ${MEGABYTES}`],
  [
    'while parts are on their way, to a pg_dump that does not listen',
    'SIGTERM',
    143,
    `trap '' TERM; ${FAKE_HEADER}; ${MEGABYTES}`,
  ],
];

test.each(STANDING)(
  'stopped %s by %s, it ends with status %i, pg_dump with it',
  async (_, signal, status, script) => {
    const pids = join(bed.directory, `pids-${++serial}`);
    const binDir = fake(`${script}\nsleep 600 & echo $$ $! > ${pids}.new; mv ${pids}.new ${pids}; wait`);
    let acting: Promise<unknown> = Promise.resolve();
    const result = await bed.run(
      ['backup', '--quiet'],
      { PG_BINDIR: binDir },
      {
        onSpawn: (child) => {
          acting = expect
            .poll(() => existsSync(pids), { timeout: 60_000 })
            .toBe(true)
            .then(() => child.kill(signal));
        },
      },
    );
    await acting;
    expect(result).toMatchObject({
      status,
      stdout: '',
      // One that does not listen is waited for, which is said.
      stderr: expect.stringMatching(
        new RegExp(
          `^(?:topobank-backup: received ${signal}, cleaning up; .*\\n)?topobank-backup: stopped: received ${signal}\\n$`,
        ),
      ),
    });
    expect(readFileSync(pids, 'utf8').trim().split(' ').map(Number).filter(isRunning)).toEqual([]);
    await expectNothing();
  },
);

test.each([
  ['UploadPart', 130, 'SIGINT', 0],
  ['CompleteMultipartUpload', 143, 'SIGTERM', 0],
] as const)(
  'stopped while the server is at %s, it ends with status %i',
  async (operation, status, signal, keys) => {
    const released = deferred<void>();
    let child: ChildProcess | undefined;
    // The server goes on when the program has seen the signal: when it says that it cleans up, or has ended.
    const onHeld = () => {
      child?.stderr?.on('data', () => released.resolve());
      child?.once('exit', () => released.resolve());
      child?.kill(signal);
    };
    bed.server.faults.push({ operation, times: 1, what: { kind: 'hold', until: released.promise, onHeld } });
    const result = await bed.run(['backup', '--quiet'], {}, { onSpawn: (spawned) => (child = spawned) });
    expect(result).toMatchObject({ status, stdout: '' });
    expect(await bed.keys()).toHaveLength(keys);
    expect(await bed.pendingUploads()).toEqual([]);
  },
);

test('stopped while it waits for a server that takes no manifest, it leaves no dump without one', async () => {
  bed.server.faults.push({
    operation: 'PutObject',
    key: /manifest/,
    what: { kind: 'error', status: 503, code: 'ServiceUnavailable' },
  });
  const running = startService(bed, {}, ['backup']);
  await running.line(/answers 503 ServiceUnavailable; waiting up to/);
  expect(await running.stop()).toMatchObject({ status: 143 });
  bed.server.faults.length = 0;
  await expectNothing();
});

test('a PostgreSQL that ends pg_dump’s session half-way leaves nothing, and is named', async () => {
  await withClient(bed.env, bed.database.name, async (locking) => {
    // pg_dump, which locks every table first, waits for this one.
    await locking.query('BEGIN; LOCK TABLE surface IN ACCESS EXCLUSIVE MODE');
    const waiting = async () => {
      const [session] = await bed.database.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return session?.pid;
    };
    const running = bed.run(['backup', '--quiet']);
    await expect.poll(waiting, { timeout: 60_000 }).toBeDefined();
    await bed.database.query('SELECT pg_terminate_backend($1)', [await waiting()]);
    const result = await running;
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /pg_dump: exit status 1, .*terminating connection.* — the connection to the server was lost; see its log and run again\n$/,
    );
  });
  await expectNothing();
});

test('while pg_dump waits for a lock the log says whose, and the backup goes on when it is free', async () => {
  await withClient(bed.env, bed.database.name, async (locking) => {
    await locking.query(
      "SET application_name = 'late migration'; BEGIN; LOCK TABLE surface IN ACCESS EXCLUSIVE MODE",
    );
    const { rows } = await locking.query<{ pid: number; role: string }>(
      'SELECT pg_backend_pid() AS pid, current_user AS role',
    );
    const { pid, role } = rows[0]!;
    const running = startService(bed, {}, ['backup']);
    const said = await running.line(/pg_dump is waiting for/);
    const [before = '', after] = said.split(', in a transaction since ');
    expect(before).toMatch(
      new RegExp(`a lock on public.surface, which session ${pid} \\(late migration, role ${role}$`),
    );
    expect(after).toMatch(
      new RegExp(
        `^[-0-9]+ [:0-9]+ UTC\\) holds or is queued for; to end that session: SELECT pg_terminate_backend\\(${pid}\\);`,
      ),
    );
    await locking.query('ROLLBACK');
    await running.line(/backup \d+ is complete/);
    expect(await running.ended).toMatchObject({ status: 0 });
  });
  await bed.store.remove(await bed.keys(), new AbortController().signal);
});

test('where a prepared transaction holds the lock, the statement that the log gives ends it', async () => {
  const { name } = bed.database;
  const gid = `it's ${name}`;
  await bed.database.query(
    `BEGIN; LOCK TABLE surface IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION ${pg.escapeLiteral(gid)}`,
  );
  const running = startService(bed, {}, ['backup']);
  const said = await running.line(/pg_dump is waiting for/);
  const [, end = ''] =
    new RegExp(
      `a lock on public.surface, which the prepared transaction ${gid} of database ${name} \\(role \\w+, since [-0-9]+ [:0-9]+ UTC\\) holds; to end that: in database ${name}: (.*;) or COMMIT PREPARED `,
    ).exec(said) ?? [];
  expect(end).toMatch(/^ROLLBACK PREPARED /);
  await bed.database.query(end);
  await running.line(/backup \d+ is complete/);
  expect(await running.ended).toMatchObject({ status: 0 });
  await bed.store.remove(await bed.keys(), new AbortController().signal);
});

test('an S3 server that goes away half-way is named', async () => {
  const server = await startS3Server({ directory: join(bed.directory, 'other-s3') });
  const gone = deferred<void>();
  const onHeld = () => {
    server.close().then(gone.resolve, gone.reject);
  };
  server.faults.push({ operation: 'UploadPart', what: { kind: 'hold', until: gone.promise, onHeld } });
  const result = await bed.run(['backup', '--quiet'], { ...storeEnv(server), S3_WAIT: '0' });
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toMatch(
    /^topobank-backup: cannot write backup\/\S+\.sql to bucket topobank-assets \(http:\S+\): .*(ECONNREFUSED|ECONNRESET).* — check .*\n$/,
  );
});

test('what pg_dump leaves out for a role that is not a superuser is told', async () => {
  const { name } = bed.database;
  const role = `${name}_plain`;
  await bed.database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT pg_read_all_data TO ${role}`);
  await bed.database.query(
    `CREATE SUBSCRIPTION s_${name} CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)`,
  );
  const asRole = { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
  try {
    expect(await bed.run(['backup'], asRole)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        / WARN: pg_dump: subscriptions not dumped because current user is not a superuser\n/,
      ),
    });
    const { stdout } = await bed.run(['doctor', '--json'], asRole);
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({
        check: 'database: read all',
        state: 'warning',
        detail: `backups lack subscription s_${name}, because the role is not a superuser`,
      }),
    );
  } finally {
    await bed.database.query(`DROP SUBSCRIPTION s_${name}`);
    await bed.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await bed.store.remove(await bed.keys(), new AbortController().signal);
  }
});
