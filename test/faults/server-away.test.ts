import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const directory = scratchDirectory('away');
let postgres: PostgresServer;
let bed: TestBed;
/** A dump whose restore stands still in its middle until it is ended. */
let slowDump: string;

beforeAll(async () => {
  postgres = await startPostgres({ directory: directory.path });
  bed = await createTestBed(postgres.env);
  slowDump = join(bed.directory, 'slow.sql');
  await writeFile(slowDump, dumpText('CREATE TABLE public.t ();\nSELECT pg_sleep(600);'));
});

afterAll(async () => {
  await bed.close();
  await postgres.stop();
  directory.remove();
});

const standing = () =>
  withClient(bed.env, 'postgres', async (client) => {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname LIKE $1 AND wait_event = 'PgSleep'`,
      [`${bed.database.name}_restore_%`],
    );
    return rows.length;
  });

/**
 * Runs a command; once its restore stands still the server crashes, and starts when the command waits for it.
 *
 * @param onWaiting called before the server is started; resolves once it is to be
 */
async function whileTheServerCrashes(
  args: readonly string[],
  onWaiting: (child: ChildProcess) => Promise<unknown> = async () => {},
) {
  const waits = deferred<void>();
  let acting: Promise<unknown> = Promise.resolve();
  const result = await bed.run(
    args,
    {},
    {
      onSpawn: (child) => {
        let said = '';
        child.stderr?.on('data', (text: string) => {
          said += text;
          if (/waiting up to 1m for the server .*, to (?:drop|finish) database /.test(said)) waits.resolve();
        });
        // A command that does not wait must not keep the server from being started.
        child.once('close', () => waits.resolve());
        acting = (async () => {
          await expect.poll(standing, { timeout: 60_000 }).toBe(1);
          await postgres.crash();
          await waits.promise;
          await onWaiting(child);
          await postgres.startAgain();
        })();
      },
    },
  );
  await acting;
  return result;
}

test.each([
  ['a restore', (dump: string) => ['restore', dump, '--yes']],
  [
    'a drill',
    async (dump: string) => {
      const pushed = await bed.run(['push', dump, '--json']);
      expect(pushed).toMatchObject({ status: 0 });
      const { id } = JSON.parse(pushed.stdout) as { id: string };
      return ['verify', id, '--restore'];
    },
  ],
])('%s drops its database when a server that crashed is there again', async (_, command) => {
  const result = await whileTheServerCrashes(await command(slowDump));
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toMatch(
    /WARN: waiting up to 1m for the server 127\.0\.0\.1:\d+, to drop database \S+_restore_\d{14}: /,
  );
  expect(result.stderr).not.toMatch(/left over/);
  expect(await bed.databases()).toEqual([bed.database.name]);
});

test('a signal ends the wait for a server that crashed, and what is left over is told', async () => {
  const result = await whileTheServerCrashes(['restore', slowDump, '--yes'], async (child) => {
    const isEnded = once(child, 'close');
    // Would the command go on to wait, it would find the server there again, and drop the database.
    const waitsStill = deferred<void>();
    child.stderr?.on('data', (text: string) => {
      if (text.includes('received SIGTERM, cleaning up')) waitsStill.resolve();
    });
    child.kill('SIGTERM');
    await Promise.race([isEnded, waitsStill.promise]);
  });
  const left = await bed.databases();
  expect(left).toContain(bed.database.name);
  const [scratch = ''] = left.filter((name) => name !== bed.database.name);
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toMatch(
    new RegExp(`ERROR: database ${scratch} is left over \\(.*\\); drop it: .*DROP DATABASE .*${scratch}`),
  );
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP DATABASE "${scratch}"`));
});

test('in place, a complete copy is kept after a crash, and what that may have taken is told', async () => {
  const dump =
    dumpText(`${entry('FUNCTION', 'slow(integer)')}CREATE FUNCTION public.slow(id integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN IF current_query() LIKE 'ANALYZE%' THEN PERFORM pg_sleep(600); END IF; RETURN id; END $$;
${entry('TABLE', 't')}CREATE TABLE public.t (id integer);
${entry('TABLE', 'u')}CREATE UNLOGGED TABLE public.u (id integer);
${entry('TABLE DATA', 't')}COPY public.t (id) FROM stdin;\n1\n\\.\n
${entry('TABLE DATA', 'u')}COPY public.u (id) FROM stdin;\n1\n\\.\n
${entry('INDEX', 'i')}CREATE INDEX i ON public.t (public.slow(id));\n`);
  const file = join(bed.directory, 'unlogged.sql');
  await writeFile(file, dump);
  const { status, stderr } = await whileTheServerCrashes([
    'restore',
    file,
    '--in-place',
    '--yes',
    '--no-audit',
  ]);
  expect({ status, stderr }).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /; all of the dump is in database \S+, but for the rows of unlogged tables if the server has crashed — use it \(.*\), or restore the same backup again, which may succeed/,
    ),
  });
  const [left = ''] = await bed.databases();
  const count = 'SELECT (SELECT count(*) FROM t)::int AS t, (SELECT count(*) FROM u)::int AS u';
  const { rows } = await withClient(bed.env, left, (client) => client.query(count));
  expect(rows).toEqual([{ t: 1, u: 0 }]);
});
