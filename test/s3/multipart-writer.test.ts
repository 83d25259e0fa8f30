import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MultipartWriter, openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import { readObject } from '../../src/s3/reader.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

const KEY = 'backup/dump.sql';
/** Two parts and a bit. */
const BODY = randomBytes(17 * 1024 ** 2);
const CHUNK = 300_000;

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore();
});

afterEach(() => bed.close());

const inTime = () => AbortSignal.timeout(60_000);

function open(options: { maxParts?: number; partsInFlight?: number; signal?: AbortSignal } = {}) {
  const { maxParts = 10_000, partsInFlight = 3, signal = inTime() } = options;
  return openMultipartWriter(bed.store, KEY, {
    contentType: 'application/sql',
    maxParts,
    partsInFlight,
    signal,
  });
}

async function writeAll(writer: MultipartWriter, body = BODY): Promise<void> {
  for (let at = 0; at < body.length; at += CHUNK) await writer.write(body.subarray(at, at + CHUNK));
  await writer.complete();
}

/** What a caller does: writes all, and aborts when that fails. */
async function upload(writer: MultipartWriter): Promise<void> {
  try {
    await writeAll(writer);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Does something while a request waits for it: the first, or one after so many. */
function meanwhile(operation: string, after: number, work: () => Promise<unknown>): void {
  let done = () => {};
  const until = new Promise<void>((resolve) => {
    done = resolve;
  });
  const onHeld = () => void work().finally(done);
  bed.server.faults.push({ operation, after, times: 1, what: { kind: 'hold', until, onHeld } });
}

async function contents(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readObject(bed.store, KEY, { signal: inTime() })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function expectNothingLeft(): Promise<void> {
  bed.server.faults.length = 0;
  expect(await bed.store.head(KEY, inTime())).toBeUndefined();
  for await (const pending of bed.store.listUploads('', inTime())) expect(pending).toBeUndefined();
}

const UNAVAILABLE = { kind: 'error', status: 503, code: 'SlowDown' } as const;
const DENIED = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
const LOST = { kind: 'drop', when: 'after' } as const;

describe('what passes is borne, and the object is whole', () => {
  test.each<[string, Fault?]>([
    ['nothing goes wrong'],
    ['a part arrives as other bytes', { operation: 'UploadPart', times: 3, what: { kind: 'corrupt' } }],
    [
      'connections break before a part is taken',
      { operation: 'UploadPart', times: 3, what: { kind: 'drop', when: 'before' } },
    ],
    ['the answer to a part is lost', { operation: 'UploadPart', times: 3, what: LOST }],
    ['the server is busy', { times: 2, what: UNAVAILABLE }],
    [
      'the beginning is answered by nothing',
      { operation: 'CreateMultipartUpload', times: 1, what: { kind: 'drop', when: 'before' } },
    ],
    [
      'the completion is not taken at once',
      { operation: 'CompleteMultipartUpload', times: 2, what: UNAVAILABLE },
    ],
    [
      'the completion answers 200 with an error',
      {
        operation: 'CompleteMultipartUpload',
        times: 1,
        what: { kind: 'error', status: 200, code: 'InternalError' },
      },
    ],
    ['the answer to the completion is lost', { operation: 'CompleteMultipartUpload', times: 1, what: LOST }],
    ['every answer to the completion is lost', { operation: 'CompleteMultipartUpload', what: LOST }],
  ])('%s', async (_, fault) => {
    if (fault !== undefined) bed.server.faults.push(fault);
    await upload(await open());
    bed.server.faults.length = 0;
    expect(BODY.equals(await contents())).toBe(true);
    for await (const pending of bed.store.listUploads('', inTime())) expect(pending).toBeUndefined();
  });
});

describe('what does not pass leaves neither an object nor an upload', () => {
  test.each<[string, Fault, RegExp]>([
    [
      'parts always arrive as other bytes',
      { operation: 'UploadPart', what: { kind: 'corrupt' } },
      /400 BadDigest/,
    ],
    ['a later part is refused', { operation: 'UploadPart', after: 1, what: DENIED }, /403 AccessDenied/],
    [
      'the completion is refused',
      { operation: 'CompleteMultipartUpload', what: DENIED },
      /cannot complete .* 403 AccessDenied/,
    ],
    [
      'the completion always answers 200 with an error',
      { operation: 'CompleteMultipartUpload', what: { kind: 'error', status: 200, code: 'InternalError' } },
      /cannot complete .*InternalError/,
    ],
    [
      'the server goes away before the completion',
      { operation: 'CompleteMultipartUpload', what: { kind: 'drop', when: 'before' } },
      /cannot complete .*(ECONNRESET|socket hang up)/,
    ],
    [
      'it is not found out whether the completion was done',
      { operation: 'HeadObject', after: 1, what: DENIED, times: 1 },
      /403/,
    ],
  ])('%s', async (_, fault, expected) => {
    const writer = await open();
    bed.server.faults.push(fault);
    await expect(upload(writer)).rejects.toThrow(expected);
    await expectNothingLeft();
  });

  test('it is stopped while parts are in flight', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    meanwhile('UploadPart', 1, async () => stop.abort(reason));
    await expect(upload(await open({ signal: stop.signal }))).rejects.toBe(reason);
    await expectNothingLeft();
  });

  test.each([
    ['', []],
    [', and no upload may be aborted', [{ operation: 'AbortMultipartUpload', what: DENIED }]],
  ])('its caller gives up after it was completed%s', async (_, faults: Fault[]) => {
    const writer = await open();
    await writeAll(writer);
    bed.server.faults.push(...faults);
    await writer.abort();
    await expectNothingLeft();
  });
});

test('a signal during the completion waits until it is known whether the object is there', async () => {
  const stop = new AbortController();
  meanwhile('CompleteMultipartUpload', 0, async () => stop.abort(new Error('enough')));
  await upload(await open({ signal: stop.signal }));
  expect(BODY.equals(await contents())).toBe(true);
});

describe('an object of another writer', () => {
  const other = randomBytes(BODY.length);
  const putOther = () =>
    bed.store.put(KEY, other, { ifAbsent: false, contentType: 'text/plain', signal: inTime() });

  test.each([
    ['that came before the completion', () => putOther()],
    ['that came after the completion', async () => meanwhile('HeadObject', 1, putOther)],
    [
      'that came while the completion failed',
      async () => {
        bed.server.faults.push({ operation: 'CompleteMultipartUpload', what: DENIED });
        meanwhile('AbortMultipartUpload', 0, putOther);
      },
    ],
  ])('%s is noticed, and left as it is', async (_, arrange) => {
    const writer = await open();
    await arrange();
    await expect(upload(writer)).rejects.toThrow(/was created in the meantime; it was left untouched/);
    bed.server.faults.length = 0;
    expect(other.equals(await contents())).toBe(true);
  });
});

test('as many parts as are asked for are sent at the same time, and nothing is warned of', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  let held = 0;
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  const onHeld = () => {
    held += 1;
    if (held === 16) release();
  };
  bed.server.faults.push({ operation: 'UploadPart', what: { kind: 'hold', until, onHeld } });
  const body = Buffer.alloc(17 * 8 * 1024 ** 2, 'x');
  await writeAll(await open({ partsInFlight: 16 }), body);
  await new Promise(setImmediate);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

test('why the completion was refused is reported, and not what comes after that', async () => {
  const what = { kind: 'error', status: 400, code: 'ExpiredToken' } as const;
  bed.server.faults.push(
    { operation: 'CompleteMultipartUpload', what },
    { operation: 'AbortMultipartUpload', what },
    { operation: 'HeadObject', after: 1, what },
  );
  await expect(writeAll(await open())).rejects.toThrow(/400 ExpiredToken — renew AWS_SESSION_TOKEN/);
});
