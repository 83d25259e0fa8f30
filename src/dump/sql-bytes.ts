/**
 * Classes of bytes in SQL's lexical structure (manual §4.1). Encodings are supersets of ASCII, so each byte is
 * classified on its own.
 */

/** A letter, a digit, an underscore, or any byte beyond ASCII. */
export function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x5f ||
    byte >= 0x80 ||
    isDigit(byte)
  );
}

/** One of `0` to `9`. */
export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** A space, a tab, or one of the four bytes that end lines or pages. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
