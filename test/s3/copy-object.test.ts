import { afterEach, beforeEach, expect, test } from 'vitest';
import { createS3Client } from '../../src/s3/client.ts';
import { copyObject } from '../../src/s3/copy-object.ts';
import { deferred } from '../support/deferred.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const inTime = () => AbortSignal.timeout(60_000);

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

test.each<[string, string | false, number]>([
  ['AccessDenied', '403 AccessDenied', 1],
  ['XMinioStorageFull', '500 XMinioStorageFull', 5],
  ['NoSuchKey', false, 1],
  ['PreconditionFailed', false, 1],
])('an error %s in the body of a 200 is what it is called', async (code, comes, tries) => {
  const put = { ifAbsent: false, contentType: 'image/tiff', signal: inTime() };
  await bed.store.put('object', Buffer.from('x'), put);
  bed.server.faults.push({ operation: 'CopyObject', what: { kind: 'error', status: 200, code } });
  const copy = bed.store.copy({ key: 'object' }, 'copy', inTime());
  if (comes === false) expect(await copy).toBe(false);
  else await expect(copy).rejects.toThrow(comes);
  expect(bed.server.requests.filter(({ operation }) => operation === 'CopyObject')).toHaveLength(tries);
});

test('a copy in parts that is stopped while it begins leaves neither an object nor an upload', async () => {
  const put = { ifAbsent: false, contentType: 'image/tiff', signal: inTime() };
  await bed.store.put('large', Buffer.alloc(2000, 'x'), put);
  const stop = new AbortController();
  const stopped = deferred<void>();
  const onHeld = () => {
    stop.abort(new Error('enough'));
    stopped.resolve();
  };
  bed.server.faults.push({
    operation: 'CreateMultipartUpload',
    times: 1,
    what: { kind: 'hold', until: stopped.promise, onHeld },
  });
  const client = createS3Client(bed.settings);
  const area = { client, bucket: 'bucket', signal: stop.signal, largestCopy: 1000 };
  await expect(copyObject(area, { key: 'large' }, 'copy')).rejects.toThrow();
  client.destroy();
  expect(stop.signal.aborted).toBe(true);
  const { requests } = bed.server;
  expect(requests.filter(({ operation }) => operation === 'AbortMultipartUpload')).toHaveLength(1);
  expect(await bed.store.head('copy', inTime())).toBeUndefined();
  for await (const pending of bed.store.listUploads('', inTime())) expect(pending).toBeUndefined();
});

/** Copies an object in parts. The server, which knows no tags, answers the request for them with this status. */
async function copyInParts(status: number): Promise<boolean> {
  const put = { ifAbsent: false, contentType: 'image/tiff', signal: inTime() };
  await bed.store.put('large', Buffer.alloc(2000, 'x'), put);
  bed.server.faults.push({ operation: 'Unknown', what: { kind: 'error', status, code: 'Refused' } });
  const client = createS3Client(bed.settings);
  const area = { client, bucket: 'bucket', signal: inTime(), largestCopy: 1000 };
  return copyObject(area, { key: 'large' }, 'copy').finally(() => client.destroy());
}

test.each([400, 403, 404, 405, 501])(
  'where tags are answered with %i a copy in parts has none',
  async (status) => {
    expect(await copyInParts(status)).toBe(true);
    expect(await bed.store.head('copy', inTime())).toMatchObject({ bytes: 2000 });
  },
);

test.each([500, 507])(
  'an object whose tags are answered with %i is not copied without them',
  async (status) => {
    await expect(copyInParts(status)).rejects.toMatchObject({ $metadata: { httpStatusCode: status } });
    expect(await bed.store.head('copy', inTime())).toBeUndefined();
  },
);
