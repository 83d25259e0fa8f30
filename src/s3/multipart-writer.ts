import pLimit from 'p-limit';
import { StoreError } from '../errors.ts';
import { partSize, uploadCapacity } from './part-size.ts';
import type { Store, UploadedPart } from './store.ts';

/** How long an aborted upload is waited for, in milliseconds, before the program ends without it. */
const ABORT_MS = 10_000;

export interface MultipartOptions {
  readonly contentType: string;
  /** Most parts that the server takes in one upload. */
  readonly maxParts: number;
  /** Parts that are sent at the same time. */
  readonly partsInFlight: number;
  readonly signal: AbortSignal;
  /** Called with the bytes of each part that the server has acknowledged. */
  readonly onSent?: (bytes: number) => void;
}

/**
 * One object on its way into the store. It becomes visible, whole, when {@link complete} is called, and never before;
 * after {@link abort}, or when a call has thrown, nothing of it is left. The caller calls one of the two.
 */
export interface MultipartWriter {
  /** Takes bytes; resolves when more may come. StoreError when a part could not be sent. */
  write(chunk: Buffer): Promise<void>;
  /**
   * Sends the rest, completes the upload, and compares the size in the store.
   *
   * @returns the object's size in bytes
   * @throws StoreError when the key has come to exist meanwhile or the store holds another size
   */
  complete(): Promise<number>;
  /** Waits for the parts in flight and aborts the upload. It has a time limit of its own and never throws. */
  abort(): Promise<void>;
}

/** Begins an upload (CreateMultipartUpload). The caller has made sure that `key` is free. */
export async function openMultipartWriter(
  store: Store,
  key: string,
  options: MultipartOptions,
): Promise<MultipartWriter> {
  const { maxParts, partsInFlight, signal } = options;
  const upload = { key, uploadId: await store.createUpload(key, options.contentType, signal) };
  const limit = pLimit(partsInFlight);
  const stop = new AbortController();
  const partSignal = AbortSignal.any([signal, stop.signal]);
  const inFlight = new Set<Promise<void>>();
  const uploaded: UploadedPart[] = [];
  const spare: Buffer[] = [];
  let failure: unknown;
  let partNumber = 0;
  let filling: Buffer | undefined;
  let filled = 0;
  let bytes = 0;

  function takeBuffer(): Buffer {
    const size = partSize(partNumber + 1, maxParts);
    const reused = spare.pop();
    return reused?.length === size ? reused : Buffer.allocUnsafeSlow(size);
  }

  /** Sends the filled buffer; resolves when a further part may be filled. */
  async function flush(): Promise<void> {
    if (filling === undefined || filled === 0) return;
    const buffer = filling;
    const body = buffer.subarray(0, filled);
    filling = undefined;
    filled = 0;
    partNumber += 1;
    const number = partNumber;
    const sending = limit(() => store.uploadPart(upload, number, body, partSignal))
      .then((part) => {
        uploaded.push(part);
        spare.push(buffer);
        options.onSent?.(body.length);
      })
      .catch((error: unknown) => {
        failure ??= error;
        stop.abort(error);
      })
      .finally(() => inFlight.delete(sending));
    inFlight.add(sending);
    if (inFlight.size >= partsInFlight) await Promise.race(inFlight);
    if (failure !== undefined) throw failure;
  }

  async function settle(): Promise<void> {
    await Promise.all(inFlight);
  }

  async function finish(): Promise<void> {
    const parts = uploaded.sort((a, b) => a.partNumber - b.partNumber);
    if ((await store.head(key, signal)) !== undefined) {
      throw new StoreError({
        doing: `cannot write ${key} to bucket ${store.bucket}`,
        problem: 'an object of that name has come to exist meanwhile; it was left as it is',
        remedy: 'run one backup at a time',
      });
    }
    signal.throwIfAborted();
    // From here on the object may become visible at any moment, so a signal waits until it is known whether it has.
    const committing = new AbortController().signal;
    let completing: unknown;
    try {
      await store.completeUpload(upload, parts, committing);
    } catch (error) {
      // The upload may have been completed although its answer was lost: what the store holds decides.
      completing = error;
    }
    const stored = await store.head(key, committing);
    if (stored?.bytes === bytes) return;
    if (completing !== undefined) throw completing;
    await store.remove([key], committing);
    throw new StoreError({
      doing: `cannot write ${key} to bucket ${store.bucket}`,
      problem: `${bytes} bytes were sent, the store holds ${stored?.bytes ?? 'none'}; the object was removed`,
      remedy: 'see the S3 server’s log',
    });
  }

  return {
    async write(chunk) {
      signal.throwIfAborted();
      if (failure !== undefined) throw failure;
      let rest = chunk;
      while (rest.length > 0) {
        if (partNumber >= maxParts) throw tooLarge(store, key, maxParts);
        filling ??= takeBuffer();
        const copied = rest.copy(filling, filled);
        filled += copied;
        bytes += copied;
        rest = rest.subarray(copied);
        if (filled === filling.length) await flush();
      }
    },
    async complete() {
      await flush();
      await settle();
      if (failure !== undefined) throw failure;
      await finish();
      return bytes;
    },
    async abort() {
      stop.abort(new Error('the upload was aborted'));
      await settle();
      await store.abortUpload(upload, AbortSignal.timeout(ABORT_MS)).catch(() => {});
    },
  };
}

function tooLarge(store: Store, key: string, maxParts: number): StoreError {
  const gib = Math.floor(uploadCapacity(maxParts) / 1024 ** 3);
  return new StoreError({
    doing: `cannot write ${key} to bucket ${store.bucket}`,
    problem: `it is larger than the ${gib} GiB that ${maxParts} parts hold`,
    remedy: 'raise S3_MAX_PARTS if the server takes more',
  });
}
