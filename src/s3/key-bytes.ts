import { isUtf8 } from 'node:buffer';

declare const bytes: unique symbol;

/**
 * The UTF-8 bytes of a key, as a string with one character (U+0000 to U+00FF) per byte; not to be used as a key. S3
 * lists keys in the order of these bytes, and PostgreSQL sorts by them under COLLATE "C". JavaScript compares strings
 * by UTF-16 unit, which orders keys differently but orders these strings by byte.
 */
export interface KeyBytes {
  readonly [bytes]: true;
  readonly length: number;
  startsWith(prefix: KeyBytes): boolean;
}

const IS_NOT_ASCII = /[^ -~]/;

/** Encodes a key; {@link keyOf} decodes it. */
export function keyBytes(key: string): KeyBytes {
  return asKeyBytes(IS_NOT_ASCII.test(key) ? Buffer.from(key).toString('latin1') : key);
}

/** @param text a string that already has one character per byte */
export function asKeyBytes(text: string): KeyBytes {
  return text as unknown as KeyBytes;
}

/**
 * Decodes a key; anything that is not UTF-8 becomes U+FFFD. The result is a new string: a slice of a block of rows
 * would keep the whole block in memory for as long as the key is needed.
 */
export function keyOf(bytes: KeyBytes): string {
  return Buffer.from(bytes as unknown as string, 'latin1').toString();
}

/** Whether the bytes are UTF-8, as every key in a bucket is; an SQL_ASCII database may hold others. */
export function isKey(bytes: KeyBytes): boolean {
  return isUtf8(Buffer.from(bytes as unknown as string, 'latin1'));
}

/** Comparator for `sort`, in the order in which S3 lists keys. */
export function compareKeyBytes(a: KeyBytes, b: KeyBytes): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
