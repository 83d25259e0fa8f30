import { uninterrupted } from '../uninterrupted.ts';
import type { Store, Upload } from './store.ts';

/** How long to wait for an upload to be aborted, in milliseconds, before the program ends anyway. */
export const ABORT_MS = 10_000;

/** What an object is to be, and what ends its upload. */
export interface UploadOptions {
  readonly contentType: string;
  readonly signal: AbortSignal;
}

/**
 * Begins an upload (CreateMultipartUpload). Not cancellable: without its id, an upload could not be aborted. A signal
 * takes effect once there is one.
 *
 * @throws StoreError, or the signal's reason
 */
export async function beginUpload(
  store: Store,
  key: string,
  { contentType, signal }: UploadOptions,
): Promise<Upload> {
  signal.throwIfAborted();
  const upload = await store.createUpload(key, contentType, uninterrupted());
  if (!signal.aborted) return upload;
  await abandonUpload(store, upload);
  throw signal.reason;
}

/** Aborts an upload, whatever else is being stopped. Never throws: what stays is aborted by a later backup's sweep. */
export async function abandonUpload(store: Store, upload: Upload): Promise<void> {
  await store.abortUpload(upload, AbortSignal.timeout(ABORT_MS)).catch(() => {});
}
