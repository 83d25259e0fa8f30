import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fakePgDump } from '../support/fake-pg-dump.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const directory = scratchDirectory('standby');
const data = join(directory.path, 'postgres');
const mark = join(data, 'standby.signal');
let postgres: PostgresServer;
let bed: TestBed;

/** A server with a backup, which has become a standby: one that follows nobody refuses the same as any other. */
beforeAll(async () => {
  postgres = await startPostgres({ directory: directory.path });
  bed = await createTestBed(postgres.env);
  await bed.database.query('CREATE TABLE public.t (id int)');
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await postgres.crash();
  writeFileSync(mark, '');
  const { uid, gid } = statSync(data);
  chownSync(mark, uid, gid);
  await postgres.startAgain();
});

afterAll(async () => {
  await postgres.crash();
  rmSync(mark);
  await postgres.startAgain();
  await bed.close();
  await postgres.stop();
  directory.remove();
});

const PRIMARY = 'set POSTGRES_HOST to the primary, if this server is a standby';

test.each([
  [
    'a restore',
    ['restore', '--latest', '--yes', '--no-audit'],
    ' UTC — set POSTGRES_HOST to the primary\n',
    2,
  ],
  [
    'the look at what a restore would do',
    ['restore', '--latest', '--dry-run', '--no-audit'],
    ' UTC — set POSTGRES_HOST to the primary\n',
    2,
  ],
  [
    'a restore of rows',
    ['restore', '--latest', '--yes', '--table', 't', '--data-only', '--into'],
    `cannot execute LOCK TABLE during recovery — ${PRIMARY}`,
    1,
  ],
  [
    'a drill',
    ['verify', '--restore'],
    'cannot execute CREATE DATABASE in a read-only transaction — set VERIFY_DATABASE_URL to a server that is no standby',
    1,
  ],
])('%s on a standby says which server to use', async (_, args, message, status) => {
  const refused = await bed.run(args.at(-1) === '--into' ? [...args, bed.database.name] : args);
  expect(refused.stderr).toContain(message);
  expect(refused.status).toBe(status);
});

test('a backup of a standby that recovery ends says what to set there', async () => {
  const said =
    'pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.\\npg_dump: detail: Error message from server: ERROR:  canceling statement due to conflict with recovery\\nDETAIL:  User query might have needed to see row versions that must be removed.\\n';
  const PG_BINDIR = fakePgDump(bed.directory, 'bin', `printf '${said}' >&2; exit 1`);
  const failed = await bed.run(['backup', '--quiet'], { PG_BINDIR });
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(
    /conflict with recovery.* — set hot_standby_feedback = on or a larger max_standby_streaming_delay on the standby, and run again\n$/,
  );
});
