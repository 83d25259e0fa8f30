import { expect, test } from 'vitest';
import { readPlainDump } from '../../src/dump/plain-dump.ts';

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]);

test.each<[about: string, head: Buffer]>([
  ['compressed with zstd', ZSTD],
  ['in the custom format, but no more of it', Buffer.from('PGDMP and no more')],
  ['gzip in its first bytes alone', Buffer.from([0x1f, 0x8b, 0xff, 0, 0, 0, 0, 0, 0, 0])],
])('a dump that is %s is refused, and its source closed', async (_, head) => {
  let closed = false;
  async function* source(): AsyncGenerator<Buffer> {
    try {
      yield head;
      yield head;
    } finally {
      closed = true;
    }
  }
  const { signal } = new AbortController();
  const dump = readPlainDump(source(), { name: 'dump', binDir: undefined, env: process.env, signal });
  await expect(dump.next()).rejects.toThrow(/^cannot read the dump dump: /);
  expect(closed).toBe(true);
});

test('a reader that stops closes the source', async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield Buffer.from('-- text');
    } finally {
      closed = true;
    }
  }
  const { signal } = new AbortController();
  for await (const chunk of readPlainDump(source(), { name: 'd', binDir: undefined, env: {}, signal })) {
    expect(chunk.toString()).toBe('-- text');
    break;
  }
  expect(closed).toBe(true);
});

test.each<[form: string, head: Buffer]>([
  ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])],
  ['custom', Buffer.from('PGDMP')],
])('in the form %s, one that is stopped half-way ends with the signal’s reason', async (_, head) => {
  const stop = new AbortController();
  async function* source(): AsyncGenerator<Buffer> {
    yield Buffer.concat([head, Buffer.alloc(16)]);
    stop.abort(new Error('received SIGINT'));
    yield Buffer.alloc(16);
  }
  const options = { name: 'dump', binDir: undefined, env: process.env, signal: stop.signal };
  const reading = readPlainDump(source(), options);
  await expect(reading.next()).rejects.toThrow('received SIGINT');
});
