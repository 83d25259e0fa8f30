import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { tellWarnings } from '../../src/dump/tell-warnings.ts';

async function told(chunks: readonly string[]): Promise<string[]> {
  const heard: string[] = [];
  const stderr = Readable.from(chunks);
  tellWarnings(stderr, (said) => heard.push(said));
  await new Promise((resolve) => stderr.once('close', resolve));
  return heard;
}

test.each<[about: string, said: string, warnings: readonly string[]]>([
  ['nothing', '', []],
  ['a warning', 'pg_dump: warning: one\n', ['one']],
  ['one without an end of line', 'pg_dump: warning: one', ['one']],
  [
    'its detail and hint, and another',
    'pg_dump: warning: one\npg_dump: detail: why\npg_dump: hint: how\npg_dump: warning: two\n',
    ['one; why; how', 'two'],
  ],
  ['an error with its detail', 'pg_dump: warning: one\npg_dump: error: two\npg_dump: detail: why\n', ['one']],
  ['progress', 'pg_dump: last built-in OID is 16383\n', []],
])('of %s the warnings are told, wherever it is cut', async (_, said, warnings) => {
  expect(await told([said])).toEqual(warnings);
  expect(await told([...said])).toEqual(warnings);
});

test('a line without an end is cut, and of many warnings the first are told', async () => {
  const [long] = await told(['pg_dump: warning: ', ...Array<string>(100).fill('x'.repeat(1000))]);
  expect(long!.length).toBeLessThan(1100);
  const many = await told(Array.from({ length: 30 }, (_, at) => `pg_dump: warning: number ${at}\n`));
  expect(many).toHaveLength(21);
  expect(many.at(-1)).toBe('10 more warnings');
});
