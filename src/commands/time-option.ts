import { idTime } from '../catalog/backup-name.ts';

const TIME = /^(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(?:Z|([+-]\d\d):?(\d\d))?$/;

/** The accepted form of a time, worded to follow "give" in an error message. */
export const TIME_FORM =
  'a UTC time such as 2026-11-23T10:30, or one with its offset such as 2026-11-23T11:30+01:00; a date alone means 00:00';

/**
 * Reads a time, or the id of a backup. A time without a zone is UTC, like all times of the tool; a date means its
 * beginning. `undefined` for anything else.
 */
export function parseTime(text: string): Date | undefined {
  const [, date, clock = ' 00:00', , , hours, minutes] = TIME.exec(text) ?? [];
  if (date === undefined) return idTime(text);
  // Date takes 30 February for a day in March.
  if (idTime(`${date.replaceAll('-', '')}000000`) === undefined) return undefined;
  const offset = hours === undefined ? 'Z' : `${hours}:${minutes}`;
  const time = new Date(`${date}T${clock.slice(1)}${offset}`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
