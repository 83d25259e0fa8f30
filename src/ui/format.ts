import prettyBytes from 'pretty-bytes';
import prettyMilliseconds from 'pretty-ms';

/** `1.36 GiB` */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes, { binary: true });
}

/** `7m 5s`; at most two units, so that it reads at a glance. */
export function formatDuration(ms: number): string {
  if (ms <= 0) return '0s';
  return prettyMilliseconds(ms, { unitCount: 2, secondsDecimalDigits: ms < 10_000 ? 1 : 0 });
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/**
 * `1,234,567 objects`, `1 object`
 *
 * @param noun in the singular, with a plural in -s
 */
export function formatNumber(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `12 objects (3.4 MiB)` */
export function formatObjects({ count, bytes }: { readonly count: number; readonly bytes: number }): string {
  return `${formatNumber(count, 'object')} (${formatBytes(bytes)})`;
}

/**
 * External text, such as a server's message that quotes a row: if it is too long, it is cut off and its length is
 * given.
 */
export function formatExcerpt(text: string, most: number): string {
  if (text.length <= most) return text;
  // A surrogate pair must not be cut in half.
  const kept = text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '');
  return `${kept}… (${formatCount(text.length)} characters)`;
}

/** `a, b, c and 4 more`: the first of many names. */
export function formatFirst(names: readonly string[], shown: number, separator = ', '): string {
  const first = names.slice(0, shown).join(separator);
  return names.length <= shown ? first : `${first} and ${formatCount(names.length - shown)} more`;
}

/**
 * `1.36 GiB, 12 tables, 1,234,567 rows`: a dump's length in bytes, and the rows that it holds as COPY. A dump made
 * with `pg_dump --inserts` has no COPY rows, and must not look like one of a database without rows.
 */
export function formatContents({
  bytes,
  tables,
  rows,
}: {
  readonly bytes: number;
  readonly tables: number;
  readonly rows: number;
}): string {
  const held =
    tables === 0 ? 'no COPY data' : `${formatNumber(tables, 'table')}, ${formatNumber(rows, 'row')}`;
  return `${formatBytes(bytes)}, ${held}`;
}

/** `2026-11-23 10:30:00 UTC` */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A SHA-256 as far as people compare it: `sha256:0b6836e3eab9…`. Other values, such as `10 rows`, stay as they are. */
export function formatHash(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? `sha256:${value.slice(0, 12)}…` : value;
}

/** `15.18`, of `15.18 (Debian 15.18-0+deb12u1)`: a version of PostgreSQL without that of the package. */
export function formatVersion(version: string): string {
  return version.replace(/ .*/s, '');
}
