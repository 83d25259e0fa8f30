import type { KeyBytes } from '../s3/key-bytes.ts';
import type { ObjectInfo } from '../s3/store.ts';
import type { Cursor } from './cursor.ts';

/**
 * Whether more of the listing has to come before it is known which object a row has.
 *
 * @param row the key of the current row; undefined where there is none
 * @param isListed whether all objects up to a key came; no key's did where it is left out
 */
export function isToCome(
  listed: Pick<Cursor<ObjectInfo>, 'item' | 'ended'>,
  row: KeyBytes | undefined,
  isListed?: (key: KeyBytes) => boolean,
): boolean {
  if (listed.item !== undefined || listed.ended) return false;
  return row === undefined || !isListed?.(row);
}

/** Of prefixes that come in order, the one that covers furthest: the open one, unless the next lies outside of it. */
export function furthest(open: KeyBytes | undefined, next: KeyBytes): KeyBytes {
  return open !== undefined && next.startsWith(open) ? open : next;
}

/** What consoles and mounted buckets put for a folder; no application's file. */
export function isFolderMarker({ key, bytes }: ObjectInfo): boolean {
  return bytes === 0 && key.endsWith('/');
}
