import { StoreError } from '../errors.ts';
import { uninterrupted } from '../uninterrupted.ts';
import { ABORT_MS, beginUpload, type UploadOptions } from './begin-upload.ts';
import { overtakenError } from './errors.ts';
import { type PartOptions, sendParts } from './send-parts.ts';
import type { Store, StoredObject, Upload, UploadedPart } from './store.ts';

/** How an object is written in parts. */
export interface MultipartOptions extends PartOptions {
  /**
   * Called by {@link MultipartWriter.abort} with what may remain: the upload, which is not visible, or the object.
   */
  readonly onLeft?: (what: 'upload' | 'object', error: unknown) => void;
}

/**
 * An object on its way into the store. It becomes visible, whole, when {@link complete} is called, and never before.
 * Whatever goes wrong, here or in the caller, {@link abort} leaves nothing of it.
 */
export interface MultipartWriter {
  /** Takes bytes; resolves when it can accept more. Throws StoreError if a part could not be sent. */
  write(chunk: Buffer): Promise<void>;
  /**
   * Sends the rest, completes the upload, and makes sure that the store holds this object, at its full size.
   *
   * @returns the object as the store holds it
   * @throws StoreError if the key has come to exist meanwhile, or the upload cannot be completed
   */
  complete(): Promise<StoredObject>;
  /** Whether the store holds this object under the key, and not one that another writer put there. */
  isCurrent(signal: AbortSignal): Promise<boolean>;
  /**
   * Waits for the parts in flight, aborts the upload, and removes the object if it was completed; another writer's
   * object stays. It has a time limit of its own and never throws, but reports what it could not remove.
   */
  abort(): Promise<void>;
}

/** Begins an upload and writes to it. The caller has made sure that `key` is free. */
export async function openMultipartWriter(
  store: Store,
  key: string,
  options: MultipartOptions & UploadOptions,
): Promise<MultipartWriter> {
  return writeUpload(store, await beginUpload(store, key, options), options);
}

/** Writes to an upload that has just been begun. */
export function writeUpload(store: Store, upload: Upload, options: MultipartOptions): MultipartWriter {
  const { signal } = options;
  const { key } = upload;
  const parts = sendParts(store, upload, options);
  let mayBeVisible = false;

  async function commit(uploaded: readonly UploadedPart[]): Promise<StoredObject> {
    const doing = `cannot write ${key} to bucket ${store.bucket}`;
    if ((await store.head(key, signal)) !== undefined) throw overtakenError(doing);
    signal.throwIfAborted();
    // From here on the object may become visible at any moment, so an abort must wait until it is known whether it
    // has.
    const committing = uninterrupted();
    mayBeVisible = true;
    let refusal: unknown;
    try {
      await store.completeUpload(upload, uploaded, committing);
    } catch (error) {
      refusal = error;
      // The answer may be lost, or the server still at work. After an abort, the upload either was completed before
      // it or never will be, and what the store holds shows which.
      await store.abortUpload(upload, committing).catch(() => {});
    }
    const stored = await store.head(key, committing).catch((error: unknown) => {
      // The original refusal explains more than what follows it.
      throw refusal ?? error;
    });
    if (stored !== undefined && stored.writeId !== upload.writeId) throw overtakenError(doing);
    if (stored?.bytes === parts.bytes) return stored;
    if (refusal !== undefined) throw refusal;
    throw new StoreError({
      doing,
      problem: `${parts.bytes} bytes were sent, but the store holds ${stored?.bytes ?? 'none'}`,
      remedy: 'see the S3 server’s log',
    });
  }

  async function isCurrent(by: AbortSignal): Promise<boolean> {
    return (await store.head(key, by))?.writeId === upload.writeId;
  }

  /** @returns whether there was an object to remove */
  async function removeOwn(by: AbortSignal): Promise<boolean> {
    const isThere = await isCurrent(by);
    if (isThere) await store.remove([key], by);
    return isThere;
  }

  return {
    isCurrent,
    write: parts.write,
    async complete() {
      return commit(await parts.finish());
    },
    async abort() {
      await parts.stop();
      const limit = AbortSignal.timeout(ABORT_MS);
      let refusal: { readonly error: unknown } | undefined;
      await store.abortUpload(upload, limit).catch((error: unknown) => {
        refusal = { error };
      });
      let wasCompleted = false;
      if (mayBeVisible) {
        try {
          wasCompleted = await removeOwn(limit);
        } catch (error) {
          options.onLeft?.('object', error);
        }
      }
      // A completed upload no longer exists; and a key may be allowed to delete objects but not to abort uploads.
      if (refusal !== undefined && !wasCompleted) options.onLeft?.('upload', refusal.error);
    },
  };
}
