import type { KeyBytes } from '../../s3/key-bytes.ts';

/** Of two prefixes in key order, the one that reaches further: the open one, unless the next is outside it. */
export function furthest(open: KeyBytes | undefined, next: KeyBytes): KeyBytes {
  return open !== undefined && next.startsWith(open) ? open : next;
}
