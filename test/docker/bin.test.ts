import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { type CommandResult, tryCommand } from '../container/command.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import { PROGRAM } from '../support/topobank-backup.ts';

const COMMANDS = fileURLToPath(new URL('../../docker/bin', import.meta.url));

let bed: TestBed;
let env: Readonly<Record<string, string>>;
let id: string;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  const bin = join(bed.directory, 'bin');
  mkdirSync(bin);
  symlinkSync(PROGRAM, join(bin, 'topobank-backup'));
  env = { ...bed.env, PATH: `${COMMANDS}:${bin}:${process.env.PATH}` };
  await bed.database.query("CREATE TABLE surface AS SELECT 'polished' AS name");
  const { stdout } = await type('backup');
  id = /^backup (\d{14}): /.exec(stdout)?.[1] ?? '';
});

beforeEach(() => bed.database.query("UPDATE surface SET name = 'damaged'"));

afterAll(() => bed.close());

/** Without a terminal, as a script does. */
function type(commandLine: string): Promise<CommandResult> {
  return tryCommand('sh', ['-c', commandLine], { env });
}

function typeOnTerminal(commandLine: string, answer: string): Promise<CommandResult> {
  const args = ['--quiet', '--return', '--command', commandLine, '/dev/null'];
  return tryCommand('script', args, { env, input: `${answer}\n` });
}

async function surface(): Promise<string | undefined> {
  const [row] = await bed.database.query<{ name: string }>('SELECT name FROM surface');
  return row?.name;
}

test('a backup that was made is listed, and restored by its file without being asked', async () => {
  expect((await type('backups')).stdout).toContain(id);
  const restored = await type(`restore postgres-backup-${id}.sql`);
  expect(restored.stdout).toMatch(/^the old database is kept as /m);
  expect(restored.status).toBe(0);
  expect(await surface()).toBe('polished');
});

test.each([
  { answer: 'n', status: 1, said: 'the answer was no', name: 'damaged' },
  { answer: 'y', status: 0, said: 'the old database is kept as', name: 'polished' },
])('on a terminal a restore asks, and $answer is an answer', async ({ answer, status, said, name }) => {
  const restored = await typeOnTerminal(`restore ${id}`, answer);
  expect(restored.stdout).toContain('? [y/N] ');
  expect(restored.stdout).toContain(said);
  expect(restored.status).toBe(status);
  expect(await surface()).toBe(name);
});

test.each(['ID --in-place', '--latest', '--at=2099-01-01'])(
  'options are another matter: restore %s has to be given --yes',
  async (args) => {
    const { status, stderr } = await type(`restore ${args.replace('ID', id)}`);
    expect(stderr).toContain('cannot ask for confirmation without a terminal — give --yes');
    expect(status).toBe(2);
    expect(await surface()).toBe('damaged');
  },
);
