import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MEDIA_PREFIX, mediaKey } from './media-keys.ts';

/**
 * An S3 server of buckets that exist only as a number: bucket `objects-1000000` lists so many keys, all of them media.
 * It knows ListObjectsV2 and nothing else, so that what is measured is its client. It ends with its standard input.
 */
const PAGE = 1000;
const OBJECT = `<LastModified>2024-09-01T00:00:00.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1048576</Size><StorageClass>STANDARD</StorageClass>`;

function listPage(objects: number, query: URLSearchParams): string {
  const isOfMedia = MEDIA_PREFIX.startsWith(query.get('prefix') ?? '');
  const count = isOfMedia ? objects : 0;
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const first = after === '' ? 1 : Number(/\d+/.exec(after)?.[0]) + 1;
  const last = Math.min(first + PAGE - 1, count);
  let contents = '';
  for (let n = first; n <= last; n++) contents += `<Contents><Key>${mediaKey(n)}</Key>${OBJECT}</Contents>`;
  const more = last < count;
  const next = more ? `<NextContinuationToken>${mediaKey(last)}</NextContinuationToken>` : '';
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents}</ListBucketResult>`;
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const count = /^\/objects-(\d+)\/?$/.exec(url.pathname)?.[1];
  const known = count !== undefined && url.searchParams.get('list-type') === '2';
  const body = known ? listPage(Number(count), url.searchParams) : '';
  response.writeHead(known ? 200 : 501, { 'content-type': 'application/xml' }).end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const address = { endpoint: `http://127.0.0.1:${port}`, accessKey: 'bench', secretKey: 'bench' };
  process.stdout.write(`${JSON.stringify(address)}\n`);
});
process.stdin.resume().once('end', () => {
  server.close();
  server.closeAllConnections();
});
