import type { KeyBytes } from '../s3/key-bytes.ts';
import type { ObjectInfo } from '../s3/store.ts';

/** Of two prefixes in key order, the one that reaches further: the open one, unless the next is outside it. */
export function furthest(open: KeyBytes | undefined, next: KeyBytes): KeyBytes {
  return open !== undefined && next.startsWith(open) ? open : next;
}

/** Whether an object is what consoles and mounted buckets create for a folder, rather than an application's file. */
export function isFolderMarker({ key, bytes }: ObjectInfo): boolean {
  return bytes === 0 && key.endsWith('/');
}
