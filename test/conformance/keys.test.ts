import { CopyObjectCommand, DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readObject } from '../../src/s3/reader.ts';
import { bytesOf, createTestBucket, inTime, type TestBucket } from './bucket.ts';
import { feature } from './features.ts';

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await createTestBucket();
});

afterAll(() => bucket?.remove());

/** As files of users are called, and what URLs, XML and signatures take for something else. */
const KEYS = [
  'a space and  two',
  'plus+sign',
  'per%cent %20 %2F',
  'and&so=on;x?y#z',
  `quotes ' " \``,
  '<tag attribute="1">&amp;</tag>',
  'brackets [1] (2) {3} !*~@$:,',
  'back\\slash|pipe^caret',
  'Grünräuber 2µm ½.txt',
  'decomposed u\u0308',
  '表面 Å',
  'replacement \uFFFD',
  'astral 😀 𝔘',
  'directory/',
  'double//slash',
  ` starts with a space`,
  'ends with a space ',
  '.hidden/..dots/a..b',
  'segments/./of/../paths',
  `long/${'x'.repeat(500)}`,
];

const shown = (name: string) =>
  name.length < 60 ? JSON.stringify(name) : `a key of ${name.length} characters`;

test.each(KEYS.map((name) => ({ name, shown: shown(name) })))(
  '$shown is written, listed, read, copied, deleted',
  async ({ name }) => {
    const { store, client } = bucket;
    const key = `keys/${name}`;
    const body = Buffer.from(`contents of ${key}`);
    await store.put(key, body, { ifAbsent: false, contentType: 'text/plain', signal: inTime() });
    expect(await store.head(key, inTime())).toMatchObject({ key, bytes: body.length });
    expect(body.equals(await bytesOf(readObject(store, key, { signal: inTime() })))).toBe(true);
    const listed: string[] = [];
    for await (const object of store.list(key, { signal: inTime() })) listed.push(object.key);
    expect(listed).toEqual([key]);

    const copy = `copies/${name}`;
    const CopySource = `${bucket.name}/${key}`.split('/').map(encodeURIComponent).join('/');
    await client.send(new CopyObjectCommand({ Bucket: bucket.name, Key: copy, CopySource }));
    expect(body.equals(await bytesOf(readObject(store, copy, { signal: inTime() })))).toBe(true);

    await store.remove([key, copy], inTime());
    expect(await Promise.all([store.head(key, inTime()), store.head(copy, inTime())])).toEqual([
      undefined,
      undefined,
    ]);
  },
);

// XML 1.0 has no way to say most of them.
feature('control characters in keys', async () => {
  const { store, client, name } = bucket;
  const key = 'control/\u0001 \u001f \uffff';
  await store.put(key, Buffer.from('x'), { ifAbsent: false, contentType: 'text/plain', signal: inTime() });
  try {
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: name, Prefix: 'control/' }));
    expect(Contents).toMatchObject([{ Key: key }]);
    await store.remove([key], inTime());
  } finally {
    await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }));
  }
});
