import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createQuarantineBed, type QuarantineBed } from '../quarantine/quarantine-bed.ts';
import { compareDigests, digestDatabase } from '../support/compare-databases.ts';

const signal = new AbortController().signal;
let bed: QuarantineBed;

beforeEach(async () => {
  bed = await createQuarantineBed(inject('postgres'));
});

afterEach(() => bed.close());

const archived = (...args: string[]) => bed.command(args, {}, { S3_PREFIX: 'archive/' });

async function backUp(): Promise<string> {
  const { stdout } = await bed.command(['backup', '--json', '--quiet']);
  return (JSON.parse(stdout) as { id: string }).id;
}

async function list(): Promise<string[]> {
  const { stdout } = await archived('list', '--json');
  return (JSON.parse(stdout) as { state: string; key: string }[]).map(({ state, key }) => `${state} ${key}`);
}

test('backups that are moved to another prefix are whole there for every command', async () => {
  const first = await backUp();
  const second = await backUp();
  const keys = (await bed.keys()).filter((key) => key.startsWith('backup/'));
  for (const key of keys) await bed.store.copy({ key }, key.replace('backup/', 'archive/'), signal);
  await bed.store.remove(keys, signal);

  const moved = [second, first].map((id) => `complete archive/postgres-backup-${id}.sql`);
  expect(await list()).toEqual(moved);
  const shown = await archived('show', first, '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({
    state: 'complete',
    manifest: { key: `archive/postgres-backup-${first}.sql` },
  });
  for (const args of [
    ['show', second, '--diff', first],
    ['verify', '--all'],
    // Of a copy the ETag may be another one, which is no fault once the bytes are proven.
    ['verify', '--all', '--quick'],
    ['fetch', first, bed.directory],
    ['fetch', first, bed.directory, '--table', 'public.files', '--csv'],
    ['media', 'check', first],
    ['audit-orphans', '--backup', first],
    ['audit-orphans', '--all-backups'],
  ])
    expect({ args, ...(await archived(...args)) }).toMatchObject({ args, status: 0 });

  const before = await digestDatabase(bed.env, bed.database.name);
  await bed.database.query('DROP TABLE files');
  expect(await archived('restore', first, '--yes')).toMatchObject({ status: 0 });
  expect(compareDigests(before, await digestDatabase(bed.env, bed.database.name))).toEqual([]);

  // The backup that is made beside them prunes nothing of theirs.
  const made = await archived('backup', '--json', '--quiet');
  const { key, pruned } = JSON.parse(made.stdout) as { key: string; pruned: string[] };
  expect(pruned).toEqual([]);
  expect(await list()).toEqual([`complete ${key}`, ...moved]);
  expect(await archived('prune', '--yes')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('nothing to delete'),
  });
});

test('a manifest that is copied without its dump says where that is missing', async () => {
  const id = await backUp();
  const name = `postgres-backup-${id}`;
  await bed.store.copy({ key: `backup/${name}.manifest.json` }, `archive/${name}.manifest.json`, signal);
  expect(await list()).toEqual([`broken archive/${name}.sql`]);
  expect((await archived('list')).stdout).toContain(`the dump archive/${name}.sql is missing`);
});
