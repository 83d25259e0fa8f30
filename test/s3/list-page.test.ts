import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readListPage } from '../../src/s3/list-page.ts';
import type { ObjectPage } from '../../src/s3/object-page.ts';
import { newPageMemory } from '../../src/s3/page-memory.ts';
import type { ObjectInfo } from '../../src/s3/store.ts';
import { startScriptedStore } from '../support/scripted-store.ts';

/** What the server answers, whatever it is asked. */
let answer = '';
let bed: Awaited<ReturnType<typeof startScriptedStore>>;

beforeAll(async () => {
  bed = await startScriptedStore(() => ({ body: answer }));
});

afterAll(() => bed.close());

const document = (contents: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><IsTruncated>false</IsTruncated>${contents}<KeyCount>7</KeyCount></ListBucketResult>`;

async function list(xml: string): Promise<ObjectInfo[]> {
  answer = xml;
  const objects: ObjectInfo[] = [];
  for await (const page of bed.store.listPages('', { signal: AbortSignal.timeout(10_000) }))
    objects.push(...page.take());
  return objects;
}

/** Without the SDK. */
const readPlain = (xml: string) => readListPage(Buffer.from(xml), newPageMemory(), () => {});

/** Keys of characters that XML can hold, of which some have to be spelled. */
const key = fc
  .string({
    unit: fc.oneof(fc.constantFrom(...`&<>"';#x amp`), fc.constantFrom('é', '\uFFFD', '\u{1F600}', '\t')),
  })
  .filter((text) => text.trim() === text && text !== '');

const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  '&': ['&amp;', '&#38;', '&#x26;'],
  '<': ['&lt;', '&#x3C;'],
  '>': ['&gt;', '>'],
  '"': ['&quot;', '"', '&#34;'],
  "'": ['&apos;', "'", '&#39;'],
};

const object = fc.record({
  key,
  bytes: fc.maxSafeNat(),
  ms: fc.integer({ min: 0, max: 4e12 }),
  etag: fc.stringMatching(/^"[0-9a-f]{32}(-[1-9])?"$/),
  spelling: fc.nat(2),
  owner: fc.constantFrom('', '<Owner><ID>7</ID><DisplayName>Key</DisplayName></Owner>'),
  gap: fc.constantFrom('', '\n  '),
});

test('objects are read as the SDK reads them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(object, { maxLength: 5 }), async (objects) => {
      const contents = objects.map(({ key, bytes, ms, etag, spelling, owner, gap }) => {
        const spell = (text: string) =>
          [...text].map(
            (character) => SPELLINGS[character]?.[spelling] ?? SPELLINGS[character]?.[0] ?? character,
          );
        const fields = [
          `<Key>${spell(key).join('')}</Key>`,
          `<LastModified>${new Date(ms).toISOString()}</LastModified>`,
          `<ETag>${spell(etag).join('')}</ETag>`,
          `<Size>${bytes}</Size>`,
          owner,
        ];
        return `${gap}<Contents>${gap}${fields.join(gap)}${gap}</Contents>`;
      });
      const xml = document(contents.join(''));
      expect(readPlain(xml)?.page?.take() ?? []).toHaveLength(objects.length);
      const read = await list(xml);
      expect(read.map((each) => each.key)).toEqual(objects.map((each) => each.key));
      // A comment leaves all of the document to the SDK.
      expect(read).toEqual(await list(xml.replace('<Name>', '<!-- --><Name>')));
    }),
    { numRuns: 50 },
  );
});

const FIELDS = {
  Key: 'a',
  LastModified: '2024-09-01T00:00:00.000Z',
  ETag: '&quot;d41d8cd98f00b204e9800998ecf8427e&quot;',
  Size: '7',
};
const contents = (fields: Readonly<Record<string, string>>) => {
  const children = Object.entries({ ...FIELDS, ...fields }).filter(([, text]) => text !== '');
  return `<Contents>${children.map(([name, text]) => `<${name}>${text}</${name}>`).join('')}</Contents>`;
};

test.each(['&#128512;', '&#x1F600;'])('%s, of which the SDK makes another character', (spelled) => {
  const page = readPlain(document(contents({ Key: spelled })))?.page;
  expect(page?.lastKey).toBe('\u{1F600}');
  expect(page?.take()).toMatchObject([{ key: '\u{1F600}' }]);
});

test.each([
  ['a comment', `<!-- ${contents({})} -->`],
  ['CDATA', contents({ Key: '<![CDATA[a&b]]>' })],
  ['a carriage return', `${contents({})}\r\n`],
  ['an attribute', contents({}).replace('<Contents>', '<Contents xml:space="preserve">')],
  ['an attribute of a child', contents({}).replace('<Key>', '<Key xml:space="preserve">')],
  ['an entity that is not XML’s', contents({ Key: 'a&nbsp;b' })],
  ['a lone ampersand', contents({ Key: 'a & b' })],
  ['a character that there is not', contents({ Key: '&#1114112;' })],
  ['no key', contents({ Key: '' })],
  ['a key of the next object', contents({ Key: '' }) + contents({})],
  ['no size', contents({ Size: '' })],
  ['a size that is none', contents({ Size: 'x' })],
  ['a time that is none', contents({ LastModified: 'yesterday' })],
  ['no ETag', contents({ ETag: '' })],
  ['no end', contents({}).replace('</Contents>', '')],
])('%s is left to the SDK', (_what, xml) => {
  expect(readPlain(document(xml))).toBeUndefined();
});

test('pages that wait keep what is theirs, whatever is listed meanwhile', async () => {
  const signal = AbortSignal.timeout(10_000);
  const long = 'k'.repeat(1000);
  const keysOf = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${name}/${index}/${long.slice(0, 10 + (index % 2) * 990)}`);
  const waiting: { readonly keys: string[]; readonly page: ObjectPage }[] = [];
  // More bytes than there is room for at first, more objects, and neither; taken in another order than they came.
  for (const [round, count] of [3, 1500, 1, 3000, 2, 700, 1500].entries()) {
    const keys = keysOf(`r${round}`, count);
    answer = document(keys.map((Key) => contents({ Key })).join(''));
    for await (const page of bed.store.listPages('', { signal })) waiting.push({ keys, page });
    if (round % 2 === 0) continue;
    for (const { keys, page } of waiting.splice(round % 3, 2)) {
      expect(page.lastKey).toBe(keys.at(-1));
      expect(page.take().map(({ key }) => key)).toEqual(keys);
    }
  }
  for (const { keys, page } of waiting) expect(page.take().map(({ key }) => key)).toEqual(keys);
});
