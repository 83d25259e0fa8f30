import * as v from 'valibot';

/** Maximum length of a PostgreSQL name, in bytes (NAMEDATALEN − 1, manual §4.1.1). */
export const NAME_BYTES = 63;

/** Text without surrounding whitespace. */
export const text = v.pipe(v.string(), v.trim(), v.minLength(1));

/** A prefix or a path. It must not be in quotes, which `docker run --env-file` does not remove. */
export const bareText = v.pipe(
  text,
  v.check((value) => !/^(["']).*\1$/.test(value)),
);

/** A prefix of keys; a slash is appended if it has none. */
export const keyPrefix = v.pipe(
  bareText,
  v.check((value) => !value.startsWith('/') && !/\p{Cc}/u.test(value)),
  v.transform((value) => (value.endsWith('/') ? value : `${value}/`)),
);

/** A whole number from `min` to `max`. */
export const wholeNumber = (min: number, max: number) =>
  v.pipe(v.string(), v.trim(), v.regex(/^\d{1,15}$/), v.transform(Number), v.minValue(min), v.maxValue(max));

const ON = ['1', 't', 'true', 'yes', 'on'];
const OFF = ['0', 'f', 'false', 'no', 'off'];

/** A switch, as spelled in Django's settings, compose files and go-s3-backup (Go's `strconv.ParseBool`). */
export const flag = v.pipe(
  v.string(),
  v.trim(),
  v.toLowerCase(),
  v.picklist([...ON, ...OFF]),
  v.transform((value) => ON.includes(value)),
);

/** The accepted form of a {@link flag}. */
export const yesOrNo = 'True or False (also 1/0, yes/no, on/off)';

/**
 * A name from the time zone database. POSIX allows a colon before it in `TZ`; offsets such as `+02:00` are not
 * accepted.
 */
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

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The longest age, in milliseconds: a hundred years. A Date cannot hold times hundreds of thousands of years ago. */
const LONGEST_AGE_MS = 36_500 * 86_400_000;

/** An age as milliseconds: `90s`, `10m`, `1h30m`, `30d`, or `0`. */
export const age = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^(0|(\d{1,9}[smhd])+)$/),
  v.transform((text) =>
    [...text.matchAll(/(\d+)([smhd])/g)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0),
      0,
    ),
  ),
  v.maxValue(LONGEST_AGE_MS),
);

/** The milliseconds of an {@link age}; undefined for any other text. */
export function parseAge(text: string): number | undefined {
  const parsed = v.safeParse(age, text);
  return parsed.success ? parsed.output : undefined;
}

/** The accepted form of an {@link age}. */
export const ageForm = 'an age such as 90m, 24h or 30d, at most 36500d, or 0';

/** The longest duration, because timers of Node and of PostgreSQL count milliseconds in 31 bits. */
const LONGEST_MS = 2 ** 31 - 1;

/** A length of time to wait, as milliseconds: `90s`, `10m`, `1h30m`, `2d`, or `0`. */
export const duration = v.pipe(age, v.maxValue(LONGEST_MS));

/** The accepted form of a {@link duration}. */
export const durationForm = 'a duration such as 90s, 10m, 1h30m or 2d, at most 24d';
