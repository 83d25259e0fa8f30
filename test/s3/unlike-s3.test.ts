import { afterAll, beforeAll, expect, test } from 'vitest';
import { StoreError } from '../../src/errors.ts';
import type { Store } from '../../src/s3/store.ts';
import { startScriptedStore } from '../support/scripted-store.ts';

/** What the server answers, whatever it is asked. */
let answer: { readonly headers?: Record<string, string>; readonly body?: string };
let bed: Awaited<ReturnType<typeof startScriptedStore>>;

beforeAll(async () => {
  bed = await startScriptedStore(() => answer);
});

afterAll(() => bed.close());

const signal = AbortSignal.timeout(60_000);

async function count(listed: AsyncIterable<unknown>): Promise<number> {
  let entries = 0;
  for await (const _ of listed) entries += 1;
  return entries;
}

interface Call {
  readonly root: string;
  readonly run: (store: Store) => Promise<unknown>;
  /** What it finds where there is nothing. */
  readonly nothing: unknown;
  /** An entry that is whole. */
  readonly entry: string;
  /** Where the next page begins. */
  readonly next: string;
  /** What no entry may lack. */
  readonly demanded: readonly string[];
}

const DESCRIBED =
  '<Key>a</Key><Size>1</Size><LastModified>2024-09-01T00:00:00.000Z</LastModified><ETag>"e"</ETag>';

const LISTINGS: readonly Call[] = [
  {
    root: 'ListBucketResult',
    run: (store) => count(store.list('', { signal })),
    nothing: 0,
    entry: `<Contents>${DESCRIBED}</Contents>`,
    next: '<NextContinuationToken>t</NextContinuationToken>',
    demanded: ['Key', 'Size', 'LastModified'],
  },
  {
    root: 'ListVersionsResult',
    run: (store) => count(store.listVersionPages('', { signal })),
    nothing: 0,
    entry: `<Version>${DESCRIBED}<VersionId>v</VersionId><IsLatest>true</IsLatest></Version>`,
    // It is told by the last entry.
    next: '',
    demanded: ['Key', 'Size', 'LastModified', 'VersionId', 'IsLatest'],
  },
  {
    root: 'ListMultipartUploadsResult',
    run: (store) => count(store.listUploads('', signal)),
    nothing: 0,
    entry: '<Upload><Key>a</Key><UploadId>u</UploadId></Upload>',
    next: '<NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>',
    demanded: ['Key', 'UploadId'],
  },
];

const CALLS: readonly Pick<Call, 'root' | 'run' | 'nothing'>[] = [
  ...LISTINGS,
  { root: 'VersioningConfiguration', run: (store) => store.versioning(signal), nothing: 'off' },
  { root: 'DeleteResult', run: (store) => store.remove(['a'], signal), nothing: undefined },
];

const document = (root: string, content: string) =>
  `<?xml version="1.0"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${root}>`;

async function failure({ run }: Pick<Call, 'run'>, body: string): Promise<string> {
  answer = { body };
  const error = await run(bed.store).then(
    (found) => `found ${found}`,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  return (error as StoreError).message;
}

test.each(CALLS)('$root of nothing is taken, and no other document is', async (call) => {
  for (const body of [
    `<${call.root}/>`,
    `<!-- none -->\n<${call.root}></${call.root}>`,
    document(call.root, ''),
  ]) {
    answer = { body };
    expect(await call.run(bed.store)).toBe(call.nothing);
  }
  const others = [
    '',
    'down for maintenance',
    '{"buckets": []}',
    '<!DOCTYPE html>\n<html><body><p>Down for maintenance<br></p></body></html>',
    '<html><body>Down for maintenance</body></html>',
    document('ListAllMyBucketsResult', ''),
    document(`s3:${call.root}`, ''),
  ];
  for (const body of others) {
    expect(await failure(call, body)).toMatch(
      new RegExp(`: the answer is not a .*: expected ${call.root} — check AWS_S3_ENDPOINT_URL$`),
    );
  }
  expect(await failure(call, document(call.root, '<Name>x</Name>').slice(0, -9))).toMatch(
    /: the answer is not one that S3 sends — check AWS_S3_ENDPOINT_URL$/,
  );
});

test.each(LISTINGS)('$root that leaves out what an entry has to tell is an error', async (call) => {
  answer = { body: document(call.root, call.entry) };
  expect(await call.run(bed.store)).toBe(1);
  for (const name of call.demanded) {
    const without = call.entry.replace(new RegExp(`<${name}>.*?</${name}>`), '');
    expect(await failure(call, document(call.root, without))).toContain(
      `: the answer lacks ${name} — check AWS_S3_ENDPOINT_URL`,
    );
  }
  const cut = document(call.root, call.entry + call.entry);
  for (const bytes of [cut.length - 5, cut.lastIndexOf('<Key>') + 6, cut.lastIndexOf('</Key>') + 8])
    expect(await failure(call, cut.slice(0, bytes))).toContain(': the answer is not one that S3 sends');
});

test.each(LISTINGS)('$root that is not at its end has to go on', async (call) => {
  const truncated = '<IsTruncated>true</IsTruncated>';
  const pages = [truncated, truncated + call.next + call.entry];
  for (const page of pages) {
    expect(await failure(call, document(call.root, page))).toContain(
      ': the listing is truncated but gives no valid continuation — check AWS_S3_ENDPOINT_URL',
    );
  }
});

const STORED = { 'content-length': '1', 'last-modified': 'Sun, 01 Sep 2024 00:00:00 GMT' };

test.each([
  ['Content-Length', { ...STORED, 'content-length': undefined }],
  ['Last-Modified', { ...STORED, 'last-modified': undefined }],
])('an object is not described without its %s', async (name, headers) => {
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  answer = { headers: given as Record<string, string>, body: 'x' };
  const left = `: the answer lacks ${name} — check AWS_S3_ENDPOINT_URL`;
  await expect(bed.store.head('a', signal)).rejects.toThrow(left);
  await expect(bed.store.get('a', { signal })).rejects.toThrow(left);
  answer = { headers: STORED, body: 'x' };
  expect(await bed.store.head('a', signal)).toMatchObject({ bytes: 1 });
});

test.each([
  ['a different range than requested', 'bytes 5-10/20'],
  ['a different range than requested', 'none'],
  ['the whole object', undefined],
])('bytes of %s are not taken for those', async (about, contentRange) => {
  answer = {
    headers: {
      'last-modified': 'Mon, 01 Sep 2025 00:00:00 GMT',
      etag: '"e"',
      ...(contentRange !== undefined && { 'content-range': contentRange }),
    },
    body: 'abcdef',
  };
  await expect(bed.store.get('a', { range: { start: 0, end: 5 }, signal })).rejects.toThrow(about);
});

test.each(['bytes 0-5/20', 'Bytes 0-5/20', 'bytes=0-5/20'])(
  'bytes of %s are those from the first',
  async (contentRange) => {
    answer = {
      headers: {
        'last-modified': 'Mon, 01 Sep 2025 00:00:00 GMT',
        etag: '"e"',
        'content-range': contentRange,
      },
      body: 'abcdef',
    };
    const found = await bed.store.get('a', { range: { start: 0, end: 5 }, signal });
    expect(found?.info.bytes).toBe(20);
    found?.body.destroy();
  },
);
