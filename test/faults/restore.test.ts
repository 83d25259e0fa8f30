import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import type { ProgramResult, RunOptions } from '../support/topobank-backup.ts';

const signal = new AbortController().signal;
let bed: TestBed;
let backup: { id: string; key: string };
/** A dump whose restore stands still in its middle until it is ended. */
let slowDump: string;
let role: string;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(
    `CREATE TABLE surface AS SELECT g AS id, 'surface ' || g AS name FROM generate_series(1, 20000) g`,
  );
  backup = JSON.parse((await bed.run(['backup', '--json'])).stdout) as typeof backup;
  slowDump = join(bed.directory, 'slow.sql');
  await writeFile(slowDump, dumpText('CREATE TABLE public.t ();\nSELECT pg_sleep(600);'));
  role = `${bed.database.name}_weak`;
  await admin((client) => client.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'x'`));
});

afterEach(() => {
  bed.server.faults.length = 0;
});

afterAll(async () => {
  await bed.database.query(
    `ALTER DATABASE "${bed.database.name}" OWNER TO CURRENT_USER; DROP OWNED BY "${role}"`,
  );
  await admin((client) => client.query(`DROP ROLE "${role}"`));
  await bed.close();
});

const admin = <T>(work: (client: pg.Client) => Promise<T>) => withClient(bed.env, 'postgres', work);

/** Replaces the backup's object by other bytes for as long as `work` takes. */
async function withBytes<T>(change: (dump: string) => string, work: () => Promise<T>): Promise<T> {
  const put = (text: string) =>
    bed.store.put(backup.key, Buffer.from(text), { ifAbsent: false, contentType: 'application/sql', signal });
  const dump = Buffer.concat(await (await bed.store.get(backup.key, { signal }))!.body.toArray()).toString();
  await put(change(dump));
  try {
    return await work();
  } finally {
    await put(dump);
  }
}

const restoreBackup = (env = {}, options: RunOptions = {}) =>
  bed.run(['restore', backup.id, '--yes'], env, options);

/** Restores the dump that stands still, and does this once it does. */
async function restoreSlowly(
  act: (child: { kill(name: NodeJS.Signals): unknown }, backend: number) => unknown,
) {
  const standing = async () => {
    const { rows } = await admin((client) =>
      client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname LIKE $1 AND query LIKE '%pg_sleep(600)%' AND wait_event = 'PgSleep'`,
        [`${bed.database.name}_restore_%`],
      ),
    );
    return rows[0]?.pid;
  };
  let acting: Promise<unknown> = Promise.resolve();
  const result = await bed.run(
    ['restore', slowDump, '--yes'],
    {},
    {
      onSpawn: (child) => {
        acting = expect
          .poll(standing, { timeout: 60_000 })
          .toBeDefined()
          .then(async () => act(child, (await standing())!));
      },
    },
  );
  await acting;
  return result;
}

/**
 * Restores as a role that may little, to whom the old database belongs unless it is said to be another's, while a
 * superuser is connected to that: from the start, or from when the restore is under way, which then waits for it.
 */
async function restoreWeakly(
  rights: string,
  { connected, owner = `"${role}"` }: { connected?: 'before' | 'meanwhile'; owner?: string } = {},
): Promise<ProgramResult> {
  const { name } = bed.database;
  await admin((client) =>
    client.query(`ALTER ROLE "${role}" ${rights}; ALTER DATABASE "${name}" OWNER TO ${owner}`),
  );
  const file = join(bed.directory, 'weak.sql');
  const meeting = `DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${name}' AND usename <> current_user) LOOP
      PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
    END LOOP; END $$;`;
  await writeFile(file, dumpText(connected === 'meanwhile' ? meeting : 'CREATE TABLE public.t ();'));
  const restore = () => bed.run(['restore', file, '--yes'], { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });
  if (connected === 'before') return withClient(bed.env, name, restore);
  const restoring = restore();
  if (connected === undefined) return restoring;
  await expect.poll(() => bed.databases(), { timeout: 60_000 }).toHaveLength(2);
  return withClient(bed.env, name, () => restoring);
}

interface Failure {
  readonly about: string;
  readonly restore: () => Promise<ProgramResult>;
  readonly status: number;
  readonly message: RegExp;
}

const FAILURES: readonly Failure[] = [
  {
    about: 'a dump whose bytes are other ones than its manifest says',
    restore: () => withBytes((dump) => dump.replace('surface 777', 'surface 778'), restoreBackup),
    status: 1,
    message:
      /what was read differs from its manifest: table public\.surface is sha256:[0-9a-f]{12}… instead of sha256:[0-9a-f]{12}… — use another backup/,
  },
  {
    about: 'a dump that has lost a row and kept its length',
    restore: () =>
      withBytes(
        (dump) => dump.replace('777\tsurface 777\n', '').replace('--\n', '-- 456789012345678\n'),
        restoreBackup,
      ),
    status: 1,
    message: /what was read differs from its manifest: .* — use another backup/,
  },
  {
    about: 'a dump that is shorter than its manifest says',
    restore: () => withBytes((dump) => dump.slice(0, -1000), restoreBackup),
    status: 1,
    message: /cannot use backup \d+: the dump .* has \d+ bytes instead of \d+ — /,
  },
  {
    about: 'a read that breaks off again and again',
    restore: () => {
      bed.server.faults.push({
        operation: 'GetObject',
        key: /\.sql$/,
        after: 1,
        what: { kind: 'cut', afterBytes: 0 },
      });
      bed.server.faults.push({
        operation: 'GetObject',
        key: /\.sql$/,
        what: { kind: 'cut', afterBytes: 300_000 },
      });
      return restoreBackup();
    },
    status: 1,
    message: /cannot read .*\.sql from bucket topobank-assets.*: .* — check /,
  },
  {
    about: 'a key that may not read',
    restore: () => {
      bed.server.faults.push({
        operation: 'GetObject',
        key: /\.sql$/,
        what: { kind: 'error', status: 403, code: 'AccessDenied' },
      });
      return restoreBackup();
    },
    status: 1,
    message: /cannot read .*\.sql from bucket .*: 403 AccessDenied — .*s3:GetObject/,
  },
  {
    about: 'a server that ends the session',
    restore: () =>
      restoreSlowly((_, backend) =>
        admin((client) => client.query('SELECT pg_terminate_backend($1)', [backend])),
      ),
    status: 1,
    message:
      /cannot restore .*slow\.sql: line 11: terminating connection .* — the connection to the server was lost; see its log and run again/,
  },
  {
    about: 'Ctrl-C',
    restore: () => restoreSlowly((child) => child.kill('SIGINT')),
    status: 130,
    message: /stopped: received SIGINT/,
  },
  {
    about: 'a container that is stopped',
    restore: () => restoreSlowly((child) => child.kill('SIGTERM')),
    status: 143,
    message: /stopped: received SIGTERM/,
  },
  {
    about: 'a role that may create no database',
    restore: () => restoreWeakly('NOCREATEDB'),
    status: 1,
    message:
      /cannot create database .*: permission denied to create database — grant the role the missing privilege/,
  },
  {
    about: 'a role that does not own it, before a row is copied,',
    restore: () => restoreWeakly('CREATEDB', { owner: 'CURRENT_USER' }),
    status: 1,
    message:
      /^(?!.*restoring).*cannot restore .* in place of database t_\w+: the role \w+ does not own that database, .* — ALTER DATABASE "?t_\w+"? OWNER TO /s,
  },
  {
    about: 'a session that the role may not end',
    restore: () => restoreWeakly('CREATEDB', { connected: 'before' }),
    status: 1,
    message:
      /^(?!.*restoring).*in place of database \S+: the role \S+ may not end the sessions of \S+ in that database — end them, or GRANT pg_signal_backend/s,
  },
  {
    about: 'a session that the role may not end and that came meanwhile',
    restore: () => restoreWeakly('CREATEDB', { connected: 'meanwhile' }),
    status: 1,
    message:
      /cannot end the connections to database .*: (must be a superuser to terminate superuser process|permission denied to terminate process: Only roles with the SUPERUSER attribute may terminate .* attribute) — /,
  },
];

test.each(FAILURES)(
  '$about leaves the old database serving and nothing beside it',
  async ({ restore, status, message }) => {
    const result = await restore();
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).not.toMatch(/left over| at .*\.js:/);
    expect(await bed.databases()).toEqual([bed.database.name]);
    const [found] = await bed.database.query<{ rows: number; names: string }>(
      `SELECT count(*)::int AS rows, md5(string_agg(name, ',' ORDER BY id)) AS names FROM surface`,
    );
    const [expected] = await bed.database.query<{ names: string }>(
      `SELECT md5(string_agg('surface ' || g, ',' ORDER BY g)) AS names FROM generate_series(1, 20000) g`,
    );
    expect(found).toEqual({ rows: 20_000, ...expected });
  },
);

test('a session of the old database lives on through a restore that fails', async () => {
  await withClient(bed.env, bed.database.name, async (client) => {
    await client.query('BEGIN; UPDATE surface SET name = name WHERE id = 1');
    const result = await withBytes((dump) => dump.replace('surface 777', 'surface 778'), restoreBackup);
    expect(result.status).toBe(1);
    await client.query('COMMIT');
  });
});
