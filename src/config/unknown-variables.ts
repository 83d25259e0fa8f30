import { distance } from 'fastest-levenshtein';
import { isForeignVariable } from './foreign-variables.ts';
import { type Setting, variablesOf } from './setting.ts';
import { SETTINGS } from './settings.ts';

/** Shorter names resemble too many others: `TZ`, `PGHOST`. */
const SHORTEST = 8;

/** Variables with these prefixes are meant for this program. */
const OWN = /^(AUDIT|BACKUP_ON|DBBACKUP|HEALTH|KEEP|LOCK_WAIT|QUARANTINE|S3|SCHEDULE|SHRINK|VERIFY)_/;

/** One warning for each variable that looks like one of this program's, but is not. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const settings = Object.values<Setting>(SETTINGS);
  const known = settings.flatMap(variablesOf);
  const withoutFile = new Set(
    settings.filter(({ secret }) => !secret).flatMap(({ names }) => names.map((name) => `${name}_FILE`)),
  );
  return Object.keys(env)
    .filter((name) => !known.includes(name) && !isForeignVariable(name))
    .flatMap((name) => {
      if (withoutFile.has(name)) {
        return [
          `${name} is ignored because only secrets can be given as files; set ${name.replace(/_FILE$/, '')}`,
        ];
      }
      const like = known.find((other) => other.length >= SHORTEST && isMistyped(name, other));
      if (like !== undefined) return [`${name} is unknown and has no effect; did you mean ${like}?`];
      return OWN.test(name)
        ? [`${name} is unknown and has no effect; docs/SETTINGS.md lists all settings`]
        : [];
    });
}

/** Whether one letter is extra, missing or wrong, two letters are swapped, or only the case differs. */
function isMistyped(name: string, other: string): boolean {
  const upper = name.toUpperCase();
  const off = distance(upper, other);
  return off <= 1 || (off === 2 && sortLetters(upper) === sortLetters(other));
}

function sortLetters(name: string): string {
  return [...name].sort().join('');
}
