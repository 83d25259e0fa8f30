import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { libpqVariables } from '../support/run-pg-dump.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
});
afterEach(() => bed.close());

/** What the README gives for rows that were deleted: the arguments of the program, and the lines for psql. */
async function readRecipe() {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const row = readme
    .split('\n')
    .find((line) => line.startsWith('| only some rows of a table were deleted |'));
  const [command, ...lines] = [...row!.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
  const [, ...args] = command!.split(' ');
  return { args, lines: lines.filter((line) => line !== 'psql').join('\n') };
}

test('deleted rows come back as the README says, and rows written since the backup stay', async () => {
  await bed.database.query(`
    CREATE TABLE manager_topography (id int PRIMARY KEY, gone int, name text);
    ALTER TABLE manager_topography DROP gone;
    INSERT INTO manager_topography SELECT g, E'a\\tb\\\\ ' || g FROM generate_series(1, 4) g`);
  await bed.run(['backup', '--quiet']);
  await bed.database.query(`
    DELETE FROM manager_topography WHERE id <= 2;
    UPDATE manager_topography SET name = 'changed since' WHERE id = 3;
    INSERT INTO manager_topography VALUES (5, 'new')`);

  const { args, lines } = await readRecipe();
  const fetched = await bed.run([...args, bed.directory, '--json', '--quiet']);
  expect(fetched).toMatchObject({ status: 0 });
  const { path } = JSON.parse(fetched.stdout) as { path: string };
  const psql = promisify(execFile)(
    join(bed.env.PG_BINDIR!, 'psql'),
    ['-X', '-v', 'ON_ERROR_STOP=1', bed.database.name],
    { cwd: bed.directory, env: libpqVariables(bed.env) },
  );
  psql.child.stdin?.end(lines.replace(/postgres-backup-…\S+copy/, basename(path)));
  expect((await psql).stdout).toMatch(/COPY 4\nINSERT 0 2\n$/);
  expect(await bed.database.query('SELECT id, name FROM manager_topography ORDER BY id')).toEqual([
    { id: 1, name: 'a\tb\\ 1' },
    { id: 2, name: 'a\tb\\ 2' },
    { id: 3, name: 'changed since' },
    { id: 4, name: 'a\tb\\ 4' },
    { id: 5, name: 'new' },
  ]);
});
