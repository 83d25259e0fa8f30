import * as v from 'valibot';

/** Text without blanks around it. */
export const text = v.pipe(v.string(), v.trim(), v.minLength(1));

/** A whole number of `min` to `max`. */
export const wholeNumber = (min: number, max: number) =>
  v.pipe(v.string(), v.trim(), v.regex(/^\d{1,15}$/), v.transform(Number), v.minValue(min), v.maxValue(max));

/** A switch, as Django's settings and compose files spell it. */
export const flag = v.pipe(
  v.string(),
  v.trim(),
  v.toLowerCase(),
  v.picklist(['1', 'true', 'yes', 'on', '0', 'false', 'no', 'off']),
  v.transform((value) => ['1', 'true', 'yes', 'on'].includes(value)),
);

/** The accepted form of a {@link flag}. */
export const yesOrNo = 'True or False (also 1/0, yes/no, on/off)';

/** A name of the time zone database. POSIX lets `TZ` put a colon before it; offsets such as `+02:00` are none. */
export const timeZone = v.pipe(
  text,
  v.transform((value) => value.replace(/^:/, '')),
  v.check((value) => /^[A-Za-z]/.test(value) && isZone(value)),
);

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
