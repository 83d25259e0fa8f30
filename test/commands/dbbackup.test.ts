import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dropBeside } from '../support/drop-beside.ts';
import { startService } from '../support/running-service.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE surface (name text)');
});

afterAll(() => bed.close());

async function backUpWith(name: string): Promise<{ id: string; key: string }> {
  await bed.database.query('TRUNCATE surface');
  await bed.database.query('INSERT INTO surface VALUES ($1)', [name]);
  const { status, stdout } = await bed.run(['dbbackup', '--json'], { DBBACKUP_SCHEDULE: 'none' });
  expect(status).toBe(0);
  return JSON.parse(stdout) as { id: string; key: string };
}

beforeEach(() => dropBeside(bed));

async function restoreWith(env: Readonly<Record<string, string>>): Promise<string[]> {
  await dropBeside(bed);
  await bed.database.query("UPDATE surface SET name = 'damaged'");
  expect(await bed.run(['dbbackup'], env)).toMatchObject({ status: 0 });
  const rows = await bed.database.query<{ name: string }>('SELECT name FROM surface');
  return rows.map(({ name }) => name);
}

test('it backs up once, restores the latest or a named one, and else is the service', async () => {
  const first = await backUpWith('first');
  await backUpWith('second');
  expect(await restoreWith({ RESTORE_DATABASE: '1', DBBACKUP_SCHEDULE: 'none' })).toEqual(['second']);
  for (const file of [first.key, first.key.replace('backup/', ''), first.id]) {
    expect(await restoreWith({ RESTORE_DATABASE: 'true', RESTORE_FILE: file })).toEqual(['first']);
  }

  const env = {
    RESTORE_DATABASE: '',
    RESTORE_FILE: first.key,
    BACKUP_ON_START: 'never',
    SCHEDULE: '@yearly',
  };
  const service = startService(bed, env, ['dbbackup']);
  await service.line(/WARN.*: RESTORE_FILE has no effect without RESTORE_DATABASE=1/);
  await service.line(/INFO.*: backup: at 00:00 on day 1 of January/);
  expect(await service.stop()).toMatchObject({ status: 0 });
});

test('restored again and again without a question, nothing that was kept is dropped, until there are three', async () => {
  await backUpWith('backed up');
  for (const name of ['first', 'second', 'third']) {
    await bed.database.query('INSERT INTO surface VALUES ($1)', [name]);
    expect(await bed.run(['dbbackup'], { RESTORE_DATABASE: '1' })).toMatchObject({ status: 0 });
  }
  const kept = (await bed.databases()).filter((name) => name.includes('_before_restore_'));
  const newest = async (name: string) =>
    withClient(bed.env, name, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        "SELECT name FROM surface WHERE name <> 'backed up'",
      );
      return rows.map((row) => row.name);
    });
  expect(await Promise.all(kept.map(newest))).toEqual([['first'], ['second'], ['third']]);

  await bed.database.query("INSERT INTO surface VALUES ('fourth')");
  const refused = await bed.run(['dbbackup'], { RESTORE_DATABASE: '1' });
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toContain(
    `earlier restores kept ${kept.join(', ')} (the first is from before all of them), and without a prompt nobody can agree`,
  );
  expect(await newest(bed.database.name)).toEqual(['fourth']);
  const asked = await bed.run(['restore', 'latest', '--yes']);
  expect(asked).toMatchObject({ status: 0, stdout: expect.stringContaining(`dropped database ${kept[0]}`) });
});

test.each([
  [
    { RESTORE_DATABASE: '1', RESTORE_FILE: 'backup/postgres-backup-20010101000000.sql' },
    4,
    'cannot use backup 20010101000000: there is no such backup',
  ],
  [{ RESTORE_DATABASE: '1', RESTORE_FILE: '/nowhere/dump.sql' }, 4, '/nowhere/dump.sql'],
  [{ RESTORE_DATABASE: 'perhaps' }, 2, 'RESTORE_DATABASE: "perhaps" is not accepted, expected True or False'],
  [{ DBBACKUP_SCHEDULE: '@never' }, 2, '@never is not one of'],
])('%j ends with status %i', async (env, expected, problem) => {
  const { status, stderr } = await bed.run(['dbbackup'], env);
  expect(stderr).toContain(problem);
  expect(status).toBe(expected);
});

test('without a command the program shows its help', async () => {
  const { stdout, stderr } = await bed.run([]);
  expect(`${stdout}${stderr}`).toContain('Usage: topobank-backup');
});
