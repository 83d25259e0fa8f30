import prettyBytes from 'pretty-bytes';
import prettyMilliseconds from 'pretty-ms';

/** `1.36 GiB` */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes, { binary: true });
}

/** `7m 5s`; at most two units, so that it reads at a glance. */
export function formatDuration(ms: number): string {
  return prettyMilliseconds(Math.max(0, ms), { unitCount: 2, secondsDecimalDigits: ms < 10_000 ? 1 : 0 });
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `2026-11-23 10:30:00 UTC` */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
