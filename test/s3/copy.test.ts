import { afterEach, beforeEach, expect, test } from 'vitest';
import { createS3Client } from '../../src/s3/client.ts';
import { copyObject } from '../../src/s3/copy.ts';
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
