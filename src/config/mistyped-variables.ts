import { distance } from 'fastest-levenshtein';
import type { Setting, SettingGroup } from './setting.ts';
import { SETTINGS } from './settings.ts';

/** Shorter names are like too many others: `TZ`, `PGHOST`. */
const SHORTEST = 8;

/** One warning for each variable that is spelled almost, but not quite, like one of the given groups. */
export function mistypedVariables(
  env: Readonly<Record<string, string | undefined>>,
  groups: readonly SettingGroup[],
): string[] {
  const settings = Object.values<Setting>(SETTINGS);
  const known = new Set(settings.flatMap(variablesOf));
  const meant = settings.filter(({ group }) => groups.includes(group)).flatMap(variablesOf);
  return Object.keys(env).flatMap((name) => {
    if (known.has(name)) return [];
    const like = meant.find((other) => other.length >= SHORTEST && isMistyped(name, other));
    return like === undefined ? [] : [`${name} is not known and has no effect; is ${like} meant?`];
  });
}

function variablesOf({ names, secret }: Setting): string[] {
  return names.flatMap((name) => (secret ? [name, `${name}_FILE`] : [name]));
}

/** One letter too many, too few or wrong, two that have changed places, or only the case. */
function isMistyped(name: string, other: string): boolean {
  const upper = name.toUpperCase();
  const off = distance(upper, other);
  return off <= 1 || (off === 2 && sortLetters(upper) === sortLetters(other));
}

function sortLetters(name: string): string {
  return [...name].sort().join('');
}
