import type { KeyBytes } from '../s3/key-bytes.ts';
import type { ObjectInfo } from '../s3/store.ts';

/** Of prefixes that come in order, the one that covers furthest: the open one, unless the next lies outside of it. */
export function furthest(open: KeyBytes | undefined, next: KeyBytes): KeyBytes {
  return open !== undefined && next.startsWith(open) ? open : next;
}

/** What consoles and mounted buckets put for a folder; no application's file. */
export function isFolderMarker({ key, bytes }: ObjectInfo): boolean {
  return bytes === 0 && key.endsWith('/');
}
