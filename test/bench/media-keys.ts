/** Digits that keep the keys in the order of their numbers. */
const DIGITS = 8;

/** What all of them lie under. */
export const MEDIA_PREFIX = 'media/';

/** Key of media object `n`. */
export function mediaKey(n: number): string {
  return `${MEDIA_PREFIX}uploads/${String(n).padStart(DIGITS, '0')}/measurement.opd`;
}

/** The same under the media prefix, for rows `n` of a query. */
export const MEDIA_FILE_SQL = `'uploads/' || to_char(n, 'FM${'0'.repeat(DIGITS)}') || '/measurement.opd'`;
