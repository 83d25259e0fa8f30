/** Nanoseconds of each unit that Go's `time.ParseDuration` accepts. Unicode has two characters for micro. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

/** Go stores a duration as an int64 of nanoseconds. */
const MOST = 2n ** 63n - 1n;

/** The duration, or why it cannot be read. */
type GoDuration = { readonly nanoseconds: bigint } | { readonly problem: string };

/** Reads a duration as Go's `time.ParseDuration` does: `1h30m10s`, `1.5h`, `90m`, `+2h`, `0`. */
export function parseGoDuration(text: string): GoDuration {
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return { nanoseconds: 0n };
  if (unsigned === '') return { problem: 'the duration is missing' };
  let nanoseconds = 0n;
  let rest = unsigned;
  while (rest !== '') {
    const [term, whole = '', fraction = '', unit = ''] = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) ?? [];
    if (term === undefined || (whole === '' && fraction === '')) {
      return { problem: `${JSON.stringify(rest)} does not begin with a number` };
    }
    const size = UNITS.get(unit);
    if (size === undefined) {
      return {
        problem:
          unit === ''
            ? `${JSON.stringify(rest)} has no unit`
            : `${JSON.stringify(unit)} is not one of the units h, m, s, ms, us, ns`,
      };
    }
    nanoseconds += BigInt(whole) * size + (BigInt(fraction) * size) / 10n ** BigInt(fraction.length);
    rest = rest.slice(term.length);
  }
  if (nanoseconds > MOST) return { problem: 'it is longer than 292 years' };
  return { nanoseconds: text.startsWith('-') ? -nanoseconds : nanoseconds };
}
