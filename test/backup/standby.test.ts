import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { type AuditBed, createAuditBed } from '../audit/audit-bed.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const [one, other] = [scratchDirectory('primary'), scratchDirectory('standby')];
let primary: PostgresServer;
let standby: PostgresServer;
let bed: AuditBed;
/** Makes the program work on the standby. */
let there: Readonly<Record<string, string>>;

beforeAll(async () => {
  primary = await startPostgres({ directory: one.path });
  bed = await createAuditBed(
    primary.env,
    `CREATE TABLE files_manifest (id bigint PRIMARY KEY, file varchar(512));
     INSERT INTO files_manifest VALUES (1, 'f/1'), (2, 'f/2'); DELETE FROM files_manifest WHERE id = 2;
     CREATE UNLOGGED TABLE "not logged" (n int); INSERT INTO "not logged" VALUES (1)`,
  );
  await bed.put('media/f/1');
  await bed.put('media/f/2');
  // A copy has all that is there before it.
  standby = await startPostgres({ directory: other.path, standbyOf: primary });
  there = { POSTGRES_PORT: String(standby.port) };
});

afterAll(async () => {
  await bed.close();
  await standby.stop();
  await primary.stop();
  one.remove();
  other.remove();
});

test('a backup of a standby says that it lacks the rows of unlogged tables, and is a good one', async () => {
  expect(await bed.run(['backup'], there)).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(
      'WARN: the server is a standby, so the backup lacks the rows of unlogged tables: public."not logged"\n',
    ),
  });
  const backup = (await bed.run(['verify', '--restore', '--json'])).stdout;
  expect(JSON.parse(backup)).toMatchObject({ ok: true, faults: [] });
});

test('no orphan is moved or purged by what a standby has', async () => {
  const refused = {
    status: 2,
    stderr: expect.stringMatching(
      /cannot determine which objects no row owns: the server is a standby, which has .* — set POSTGRES_HOST to the primary\n$/,
    ),
  };
  const audit = await bed.audit(['--grace', '0'], there);
  expect(audit.stderr).toMatch(
    /WARN: the server is a standby, which has .*: rows that it lacks may own some orphans\n/,
  );
  expect(await bed.audit(['--grace', '0', '--quarantine', '--yes'], there)).toMatchObject(refused);
  expect(await bed.keys()).toEqual(expect.arrayContaining(['media/f/1', 'media/f/2']));

  expect(await bed.audit(['--grace', '0', '--quarantine', '--yes'])).toMatchObject({ status: 0 });
  const keys = await bed.keys();
  expect(keys).not.toContain('media/f/2');
  expect(await bed.run(['quarantine', 'purge', '--older-than', '0', '--yes'], there)).toMatchObject(refused);
  expect(await bed.keys()).toEqual(keys);
});

test('doctor tells a standby, and a backup that it is behind', async () => {
  const found = async () => {
    const { stdout } = await bed.run(['doctor', '--json'], there);
    return (JSON.parse(stdout) as DoctorFinding[]).find(({ check }) => check === 'database: standby');
  };
  expect(await found()).toEqual({
    check: 'database: standby',
    state: 'warning',
    detail: expect.stringMatching(
      /^the server is a standby, which has the changes up to \d{4}-.* UTC, and backups lack the rows of unlogged public."not logged"$/,
    ),
    remedy: 'set POSTGRES_HOST to the primary to restore, or to act on orphans',
  });
  await primary.crash();
  const behind =
    /WARN: the server is a standby, which has the changes up to \d{4}-.* UTC: the backup may lack later ones\n/;
  // The standby notices after a moment.
  await expect
    .poll(async () => (await bed.run(['backup'], there)).stderr, { timeout: 60_000 })
    .toMatch(behind);
  await primary.startAgain();
});
