import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { byteOrder } from '../../src/audit/rows/reference-query.ts';
import { copyOut } from '../../src/postgres/copy-out.ts';
import { copyLines, decodeCopyField } from '../../src/postgres/copy-text.ts';
import { onOtherServer } from '../support/bed-server.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const never = new AbortController().signal;
let utf8: TestBed;
let latin1: TestBed;

beforeAll(async () => {
  const postgres = inject('postgres');
  utf8 = await createTestBed(postgres);
  latin1 = await createTestBed(postgres, `TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
  for (const { database } of [utf8, latin1]) await database.query('CREATE TABLE keys (key text)');
});

afterAll(async () => {
  await utf8.close();
  await latin1.close();
});

const codePoint = (min: number, max: number) =>
  fc.integer({ min, max }).map((code) => String.fromCodePoint(code));

/** All of unicode but NUL, which PostgreSQL does not store; the edges of UTF-8's and UTF-16's lengths more often. */
const character = fc.oneof(
  codePoint(1, 0x7f),
  codePoint(0x80, 0x7ff),
  codePoint(0x800, 0xd7ff),
  codePoint(0xe000, 0xffff),
  codePoint(0x10000, 0x10ffff),
  fc.constantFrom(
    '/',
    ' ',
    '+',
    '%',
    '&',
    '\\',
    '\x7f',
    '\x80',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  ),
);

/** Letters of Latin-1, whose bytes have another order than their characters' UTF-8 where they are not sorted by it. */
const latin1Character = fc.oneof(codePoint(1, 0x7f), codePoint(0xa0, 0xff));

const keysOf = (unit: fc.Arbitrary<string>) =>
  fc.uniqueArray(fc.string({ unit, minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 30 });

function inByteOrder(keys: readonly string[]): string[] {
  return keys
    .map((key) => Buffer.from(key))
    .sort(Buffer.compare)
    .map(String);
}

async function orderOfPostgres({ database, tool }: TestBed, keys: readonly string[]): Promise<string[]> {
  await database.query('TRUNCATE keys');
  await database.query('INSERT INTO keys SELECT unnest($1::text[])', [keys]);
  return tool.use(tool.name, never, async (client) => {
    const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
    const sql = `COPY (SELECT key FROM public.keys ORDER BY ${byteOrder(rows[0]!.server_encoding)}) TO STDOUT`;
    const sorted: string[] = [];
    for await (const lines of copyLines(copyOut(tool, client, sql))) {
      sorted.push(...lines.map((line) => String(decodeCopyField(line))));
    }
    return sorted;
  });
}

async function orderOfListing({ store }: TestBed, keys: readonly string[]): Promise<string[]> {
  const prefix = 'order/';
  const put = (key: string) =>
    store.put(prefix + key, Buffer.from('x'), { ifAbsent: false, contentType: 'text/plain', signal: never });
  await Promise.all(keys.map(put));
  const listed: string[] = [];
  for await (const { key } of store.list(prefix, { signal: never })) listed.push(key.slice(prefix.length));
  await store.remove(
    listed.map((key) => prefix + key),
    never,
  );
  return listed;
}

test('PostgreSQL sorts keys by their UTF-8 bytes', async () => {
  await fc.assert(
    fc.asyncProperty(keysOf(character), async (keys) => {
      expect(await orderOfPostgres(utf8, keys)).toEqual(inByteOrder(keys));
    }),
    { numRuns: 40 },
  );
});

test('so it does where its encoding is another', async () => {
  await fc.assert(
    fc.asyncProperty(keysOf(latin1Character), async (keys) => {
      expect(await orderOfPostgres(latin1, keys)).toEqual(inByteOrder(keys));
    }),
    { numRuns: 20 },
  );
});

/** What XML 1.0 can say: not every S3 server lists a key of other characters (docs/PROVIDERS.md). */
const inXml = character.filter((text) => text >= ' ' && text !== '\ufffe' && text !== '\uffff');

test('the S3 server lists keys by their UTF-8 bytes', async () => {
  await fc.assert(
    fc.asyncProperty(keysOf(onOtherServer() ? inXml : character), async (keys) => {
      expect(await orderOfListing(utf8, keys)).toEqual(inByteOrder(keys));
    }),
    { numRuns: onOtherServer() ? 5 : 30 },
  );
});
