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
