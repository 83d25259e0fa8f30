import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';

/**
 * Makes the bucket where there is none. Unless it is the first run, that is no good sign: TopoBank's media should lie
 * in it, and the older backups.
 *
 * @throws StoreError when it is missing and cannot be made
 */
export async function makeBucket(
  { store, log }: { readonly store: Store; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  if ((await store.ensureBucket(signal)) === 'created')
    log.warn(
      `bucket ${store.bucket} did not exist and was created; if it held anything before, that is gone`,
    );
}
