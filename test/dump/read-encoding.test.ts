import { expect, test } from 'vitest';
import { readEncoding } from '../../src/dump/read-encoding.ts';
import { dumpText, entry } from '../support/dump-text.ts';

const DUMP = dumpText(`${entry('TABLE', 't')}CREATE TABLE public.t ();`);

/** Fails where more is read than has to be. */
async function* only(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
  throw new Error('read on');
}

test('the beginning of a dump tells its encoding, and no more of it is read', async () => {
  const at = DUMP.indexOf('client_encoding') + 5;
  const text = DUMP.replace("'UTF8'", "'KOI8R'");
  expect(await readEncoding('x', only(text.slice(0, at), text.slice(at)))).toBe('KOI8R');
});

test('a dump that has not told its encoding by its first entry, or for long, tells none', async () => {
  const without = DUMP.replace(/^SET client_encoding.*$/m, '');
  expect(await readEncoding('x', only(without))).toBeUndefined();
  const header = '--\n-- PostgreSQL database dump\n--\n';
  expect(await readEncoding('x', only(`${header}${'SET a = 1;\n'.repeat(7000)}`))).toBeUndefined();
});

test.each([
  ['nothing', ''],
  ['its header', '--\n-- PostgreSQL database dump\n--\n'],
])('one that ends behind %s is refused', async (_, text) => {
  async function* short(): AsyncGenerator<Buffer> {
    yield Buffer.from(text);
  }
  await expect(readEncoding('x', short())).rejects.toMatchObject({ name: 'DumpError' });
});

test('what does not begin as a dump does is refused', async () => {
  await expect(readEncoding('x', only('Dear all,\n'))).rejects.toMatchObject({ name: 'DumpError' });
});
