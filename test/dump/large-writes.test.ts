import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { withLargeWrites } from '../../src/dump/large-writes.ts';
import { startDumpProcess } from '../../src/dump/pg-dump.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const directory = scratchDirectory('large-writes');
afterAll(() => directory.remove());

function script(name: string, text: string, mode = 0o755): string {
  const path = join(directory.path, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, mode);
  return path;
}

test.each([
  ['no PATH', {}],
  ['an empty PATH', { PATH: '' }],
  ['a PATH without stdbuf', { PATH: '/nonexistent:/proc' }],
])('with %s the program is run as it is', (_, env) => {
  expect(withLargeWrites('/bin/pg_dump', ['-a'], env)).toEqual({ path: '/bin/pg_dump', args: ['-a'] });
});

test('a stdbuf that cannot be run is passed over', () => {
  script('stdbuf', 'exit 1', 0o644);
  expect(withLargeWrites('/bin/pg_dump', [], { PATH: directory.path }).path).toBe('/bin/pg_dump');
});

test('through stdbuf the program has its own arguments, output, process and exit status', async () => {
  script('stdbuf', 'shift; echo through; exec "$@"');
  const program = script('pg_dump', 'echo "$$ $*"; kill -TERM $$');
  const dump = startDumpProcess(program, ['a b', 'c'], {
    doing: 'cannot dump',
    env: { PATH: `/nonexistent:${directory.path}` },
  });
  let said = '';
  for await (const chunk of dump.stdout) said += String(chunk);
  expect(said).toMatch(/^through\n\d+ a b c\n$/);
  await expect(dump.succeeded()).rejects.toThrow(`${program}: ended by SIGTERM`);
});
