import { isUtf8 } from 'node:buffer';

declare const bytes: unique symbol;

/**
 * The UTF-8 bytes of a key: a string with a character (U+0000 to U+00FF) for each, not to be taken for the key. S3 lists
 * keys in the order of these bytes, and so does PostgreSQL sort by COLLATE "C". JavaScript compares the UTF-16 units of
 * strings, which for keys is another order, and for these is that of the bytes.
 */
export interface KeyBytes {
  readonly [bytes]: true;
  readonly length: number;
  startsWith(prefix: KeyBytes): boolean;
}

const IS_NOT_ASCII = /[^ -~]/;

/** Encodes a key; {@link keyOf} is the way back. */
export function keyBytes(key: string): KeyBytes {
  return asKeyBytes(IS_NOT_ASCII.test(key) ? Buffer.from(key).toString('latin1') : key);
}

/** @param text what has a character for each byte as it is */
export function asKeyBytes(text: string): KeyBytes {
  return text as unknown as KeyBytes;
}

/**
 * The key that these are the bytes of; what is not UTF-8 becomes U+FFFD. It is a string of its own: one that was cut out
 * of a block of rows would hold the block in memory for as long as the key is needed.
 */
export function keyOf(bytes: KeyBytes): string {
  return Buffer.from(bytes as unknown as string, 'latin1').toString();
}

/** Whether they are UTF-8, as each key in a bucket is; a database in SQL_ASCII may hold others. */
export function isKey(bytes: KeyBytes): boolean {
  return isUtf8(Buffer.from(bytes as unknown as string, 'latin1'));
}

/** For `sort`: the order in which S3 lists keys. */
export function compareKeyBytes(a: KeyBytes, b: KeyBytes): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
