import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import type { ProgramResult, RunOptions } from '../support/topobank-backup.ts';

const signal = new AbortController().signal;

/** Requests for a dump's object before any for the rows of a table: its first bytes, and the text before the rows. */
const READS_BEFORE_ROWS = 2;

let bed: TestBed;
let backup: { id: string; key: string };
let manifest: Manifest;
let dump: Buffer;

/** One table of three pieces, one of a single piece, and one whose rows are read along with the text. */
beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(`
    CREATE TABLE large (id integer PRIMARY KEY, body text);
    INSERT INTO large SELECT n, repeat(md5(n::text), 28) FROM generate_series(1, 40000) n;
    CREATE TABLE middling (id integer PRIMARY KEY, large integer REFERENCES large, body text);
    INSERT INTO middling SELECT n, n, repeat(md5(n::text), 4) FROM generate_series(1, 5000) n;
    CREATE TABLE small AS SELECT n AS id, 'small ' || n AS name FROM generate_series(1, 100) n;`);
  backup = JSON.parse((await bed.run(['backup', '--json'])).stdout) as typeof backup;
  manifest = JSON.parse(String(await objectOf(manifestKey()))) as Manifest;
  dump = await objectOf(backup.key);
});

afterEach(() => {
  bed.server.faults.length = 0;
});

afterAll(() => bed.close());

const manifestKey = () => backup.key.replace(/\.sql$/, '.manifest.json');
const admin = <T>(work: (client: pg.Client) => Promise<T>) => withClient(bed.env, 'postgres', work);
const tableOf = (name: string) => manifest.tables.find((table) => table.name === name)!;

async function objectOf(key: string): Promise<Buffer> {
  return Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
}

const restore = (what: string, options: RunOptions = {}) =>
  bed.run(['restore', what, '--jobs', '3', '--yes', '--quiet'], {}, options);

/** Restores the backup while an object of its holds other bytes. */
async function restoreWith(key: string, bytes: Buffer, original: Buffer): Promise<ProgramResult> {
  const put = (body: Buffer) =>
    bed.store.put(key, body, { ifAbsent: false, contentType: 'application/octet-stream', signal });
  await put(bytes);
  try {
    return await restore(backup.id);
  } finally {
    await put(original);
  }
}

/** Restores the backup with one letter changed in a row of this table, so that the server still takes it. */
function restoreChanged(table: string): Promise<ProgramResult> {
  const { offset, bytes } = tableOf(table);
  const changed = Buffer.from(dump);
  const at = offset + Math.floor(bytes / 2);
  const letter = changed.indexOf('a', at);
  expect(letter).toBeLessThan(offset + bytes);
  changed[letter] = 'b'.charCodeAt(0);
  return restoreWith(backup.key, changed, dump);
}

/** Restores a file with the dump's text, one line of which is another. */
async function restoreEdited(line: string, other: string): Promise<ProgramResult> {
  const text = dump.toString('latin1');
  expect(text.split(line)).toHaveLength(2);
  const file = join(bed.directory, 'edited.sql');
  await writeFile(
    file,
    text.replace(line, () => other),
    'latin1',
  );
  return restore(file);
}

function restoreWithCount(table: string, rows: number): Promise<ProgramResult> {
  const tables = manifest.tables.map((known) => (known.name === table ? { ...known, rows } : known));
  const bytes = Buffer.from(JSON.stringify(manifest));
  return restoreWith(manifestKey(), Buffer.from(JSON.stringify({ ...manifest, tables })), bytes);
}

/** Restores the backup, and does this once a connection copies rows whose bytes the store holds back. */
async function restoreHeld(act: (child: ChildProcess, backend: number) => unknown): Promise<ProgramResult> {
  const until = deferred<void>();
  bed.server.faults.push({
    operation: 'GetObject',
    key: /\.sql$/,
    after: READS_BEFORE_ROWS,
    what: { kind: 'hold', until: until.promise },
  });
  const copying = () =>
    admin(async (client) => {
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
         WHERE starts_with(datname, $1) AND state = 'active' AND query LIKE 'COPY public.large %'`,
        [`${bed.database.name}_restore_`],
      );
      return rows[0]?.pid;
    });
  let acting: Promise<unknown> = Promise.resolve();
  try {
    const result = await restore(backup.id, {
      onSpawn: (child) => {
        acting = expect
          .poll(copying, { timeout: 60_000 })
          .toBeDefined()
          .then(async () => act(child, (await copying())!));
      },
    });
    await acting;
    return result;
  } finally {
    until.resolve();
  }
}

interface Failure {
  readonly about: string;
  readonly restore: () => Promise<ProgramResult>;
  readonly status?: number;
  readonly message: RegExp;
}

const FAILURES: readonly Failure[] = [
  {
    about: 'a session that is ended while it copies a piece',
    restore: () =>
      restoreHeld((_, backend) =>
        admin((client) => client.query('SELECT pg_terminate_backend($1)', [backend])),
      ),
    message:
      /cannot restore .*\.sql: line \d+, TABLE DATA public\.large: .*terminat.* — the connection to the server was lost; see its log and run again$/,
  },
  {
    about: 'a container that is stopped while pieces are copied',
    restore: () => restoreHeld((child) => child.kill('SIGTERM')),
    status: 143,
    message: /stopped: received SIGTERM$/,
  },
  {
    about: 'Ctrl-C while pieces are copied',
    restore: () => restoreHeld((child) => child.kill('SIGINT')),
    status: 130,
    message: /stopped: received SIGINT$/,
  },
  {
    about: 'a store that breaks off in the middle of a piece',
    restore: () => {
      const get = { operation: 'GetObject', key: /\.sql$/ };
      bed.server.faults.push(
        { ...get, after: READS_BEFORE_ROWS, times: 1, what: { kind: 'cut', afterBytes: 5_000_000 } },
        { ...get, after: READS_BEFORE_ROWS, what: { kind: 'cut', afterBytes: 0 } },
      );
      return restore(backup.id);
    },
    message: /cannot read .*\.sql from bucket topobank-assets.*: .* — check /,
  },
  {
    about: 'a byte that is another one in a piece',
    restore: () => restoreChanged('large'),
    message:
      /rows of public\.large, bytes \d+ to \d+, do not match the dump’s index: up to byte \d+ their CRC-32 is .* — use another backup; .*fetch \d{14} --table TABLE` downloads an undamaged table; if it finds only checkpoints at fault, the next restore reads each table in one piece$/,
  },
  {
    about: 'a byte that is another one in a table of one piece',
    restore: () => restoreChanged('middling'),
    message:
      /rows of public\.middling, bytes .*: they are sha256:[0-9a-f]{12}… .* — use another backup; .*fetch \d{14} --table TABLE` downloads an undamaged table$/,
  },
  {
    about: 'a byte that is another one in a table that is read along with the text',
    restore: () => restoreChanged('small'),
    message:
      /what was read differs from its manifest: table public\.small is sha256:[0-9a-f]{12}… instead of .* — use another backup; .*fetch \d{14} --table TABLE` downloads an undamaged table$/,
  },
  {
    about: 'a manifest with another number of rows',
    restore: () => restoreWithCount('middling', 5001),
    message: /the server took 5000 of 5001 rows of public\.middling — /,
  },
  {
    about: 'rows that belong to none of another table',
    restore: () => restoreEdited('\n4000\t4000\t', '\n4000\t99999\t'),
    message:
      /line \d+, FK CONSTRAINT public\.middling middling_large_fkey: .* violates foreign key constraint .* — /,
  },
  {
    about: 'rows that are there twice',
    restore: () => restoreEdited('\n4000\t4000\t', '\n3999\t4000\t'),
    message: /line \d+, CONSTRAINT public\.middling middling_pkey: could not create unique index .* — /,
  },
  {
    about: 'a statement that fails after a subscription was created',
    restore: () =>
      restoreEdited(
        '\n-- PostgreSQL database dump complete\n',
        `\nCREATE SUBSCRIPTION "s ""q""" CONNECTION 'host=localhost port=1' PUBLICATION p WITH (connect = false, slot_name = 's');
SELECT 1 / 0;
-- PostgreSQL database dump complete\n`,
      ),
    message: /line \d+.*: division by zero — /,
  },
];

test.each(FAILURES)(
  '$about leaves the old database serving and nothing beside it',
  async ({ restore: fail, status = 1, message }) => {
    const [before] = await bed.database.query<{ oid: number }>(
      'SELECT oid FROM pg_database WHERE datname = current_database()',
    );
    const result = await fail();
    expect(result.stderr.trimEnd()).toMatch(message);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(await bed.databases()).toEqual([bed.database.name]);
    expect(
      await bed.database.query(
        'SELECT oid, (SELECT count(*)::int FROM large) AS rows FROM pg_database WHERE datname = current_database()',
      ),
    ).toEqual([{ ...before, rows: 40_000 }]);
  },
);

test('a piece whose bytes break off is taken up where it broke off, and no row comes twice', async () => {
  const get = { operation: 'GetObject', key: /\.sql$/ };
  bed.server.faults.push(
    { ...get, after: READS_BEFORE_ROWS, times: 3, what: { kind: 'cut', afterBytes: 5_000_001 } },
    { ...get, after: READS_BEFORE_ROWS, times: 3, what: { kind: 'cut', afterBytes: 77 } },
  );
  const into = `${bed.database.name}_resumed`;
  const restored = await bed.run(['restore', backup.id, '--jobs', '3', '--into', into, '--quiet']);
  expect(restored).toMatchObject({ status: 0, stderr: '' });
  expect(bed.server.faults).toMatchObject([{ times: 0 }, { times: 0 }]);
  const content = (name: string) =>
    withClient(bed.env, name, async (client) => {
      const sql = `SELECT count(*), md5(string_agg(md5(body), '' ORDER BY id)) FROM large`;
      return (await client.query(sql)).rows as unknown[];
    });
  expect(await content(into)).toEqual(await content(bed.database.name));
});
