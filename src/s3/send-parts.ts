import { StoreError } from '../errors.ts';
import { stoppable } from '../stoppable.ts';
import { partSize, partsInMemory, uploadCapacity } from './part-size.ts';
import type { Store, Upload, UploadedPart } from './store.ts';

/** How parts are cut and sent. */
export interface PartOptions {
  /** Most parts that the server accepts in one upload. */
  readonly maxParts: number;
  /** Parts held in memory and sent at the same time; fewer as they grow, see {@link partsInMemory}. */
  readonly partsInFlight: number;
  readonly signal: AbortSignal;
  /** Called with the bytes of each part that the server has acknowledged. */
  readonly onSent?: (bytes: number) => void;
}

/** Cuts bytes into the parts of an upload, and sends several at the same time. */
interface PartSender {
  /** The number of bytes taken. */
  readonly bytes: number;
  /** Takes bytes; resolves when it can accept more. Throws StoreError if a part could not be sent. */
  write(chunk: Buffer): Promise<void>;
  /**
   * Sends the rest.
   *
   * @returns the parts in order
   * @throws StoreError if one could not be sent
   */
  finish(): Promise<readonly UploadedPart[]>;
  /** Breaks off the parts in flight and waits for their end. Never throws. */
  stop(): Promise<void>;
}

/** Sends the parts of an upload that has just been begun. */
export function sendParts(store: Store, upload: Upload, options: PartOptions): PartSender {
  const { maxParts, partsInFlight, signal } = options;
  const { either: partSignal, stop } = stoppable(signal);
  const inFlight = new Set<Promise<void>>();
  const uploaded: UploadedPart[] = [];
  /** Spare buffers, all of the next part's size. */
  const spare: Buffer[] = [];
  let failure: unknown;
  let partNumber = 0;
  let filling: Buffer | undefined;
  let filled = 0;
  let bytes = 0;

  const nextSize = () => partSize(partNumber + 1, maxParts);

  /** Sends the filled buffer; resolves when another part may be filled. */
  async function flush(): Promise<void> {
    if (filling === undefined || filled === 0) return;
    const buffer = filling;
    const body = buffer.subarray(0, filled);
    filling = undefined;
    filled = 0;
    partNumber += 1;
    if (nextSize() !== buffer.length) spare.length = 0;
    const sending = store
      .uploadPart(upload, partNumber, body, partSignal)
      .then((part) => {
        uploaded.push(part);
        if (buffer.length === nextSize()) spare.push(buffer);
        options.onSent?.(body.length);
      })
      .catch((error: unknown) => {
        failure ??= error;
        stop(error);
      })
      .finally(() => inFlight.delete(sending));
    inFlight.add(sending);
    while (inFlight.size >= partsInMemory(nextSize(), partsInFlight)) await Promise.race(inFlight);
    if (failure !== undefined) throw failure;
  }

  return {
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      signal.throwIfAborted();
      if (failure !== undefined) throw failure;
      let rest = chunk;
      while (rest.length > 0) {
        if (partNumber >= maxParts) throw tooLarge(store, upload.key, maxParts);
        filling ??= spare.pop() ?? Buffer.allocUnsafeSlow(nextSize());
        const copied = rest.copy(filling, filled);
        filled += copied;
        bytes += copied;
        rest = rest.subarray(copied);
        if (filled === filling.length) await flush();
      }
    },
    async finish() {
      await flush();
      await Promise.all(inFlight);
      if (failure !== undefined) throw failure;
      return uploaded.sort((a, b) => a.partNumber - b.partNumber);
    },
    async stop() {
      stop(new Error('the upload was aborted'));
      await Promise.all(inFlight);
    },
  };
}

function tooLarge(store: Store, key: string, maxParts: number): StoreError {
  const gib = Math.floor(uploadCapacity(maxParts) / 1024 ** 3);
  return new StoreError({
    doing: `cannot write ${key} to bucket ${store.bucket}`,
    problem: `it is larger than the ${gib} GiB that ${maxParts} parts can hold`,
    remedy: 'raise S3_MAX_PARTS if the server accepts more',
  });
}
