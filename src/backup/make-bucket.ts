import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';

/**
 * Creates the bucket if it does not exist. Unless this is the first run, a missing bucket is a bad sign: it should
 * hold TopoBank's media and the older backups.
 *
 * @throws StoreError if it is missing and cannot be created
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
