import { idTime } from '../catalog/backup-name.ts';

const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** The accepted form of a time, as it follows "give" in an error message. */
export const TIME_FORM = 'a UTC time such as 2026-11-23T10:30';

/**
 * Reads a time, or the id of a backup. A time without a zone is UTC, as all times of the tool are; a date is its
 * beginning. `undefined` for anything else.
 */
export function parseTime(text: string): Date | undefined {
  const iso = TIME.exec(text);
  const utc = iso?.[1] === undefined || iso[4] !== undefined ? '' : 'Z';
  const time = idTime(text) ?? new Date(iso === null ? '' : `${text.replace(' ', 'T')}${utc}`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
