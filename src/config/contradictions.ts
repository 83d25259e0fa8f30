import { type ConfigSources, type Given, listGiven } from './given.ts';
import type { Setting, SettingGroup } from './setting.ts';
import { SETTINGS } from './settings.ts';

/** One warning for each variable of the given groups that says something else than what counts in its place. */
export function contradictions(sources: ConfigSources, groups: readonly SettingGroup[]): string[] {
  const settings = Object.values<Setting>(SETTINGS).filter(({ group }) => groups.includes(group));
  const overruled = settings.flatMap((setting) => overruledVariables(listGiven(setting, sources)));
  return groups.includes('store') ? [...overruled, ...contradictedScheme(sources)] : overruled;
}

/** Variables that all kinds of programs read are there to be overruled: libpq's, and this one. */
const COMMON = /^PG|^TMPDIR$/;

/** A flag is there to overrule. */
function overruledVariables([first, ...others]: readonly Given[]): string[] {
  if (first === undefined || first.kind === 'flag') return [];
  const counts = readIfPossible(first);
  return others
    .filter(({ from }) => !COMMON.test(from))
    .filter((other) => (readIfPossible(other) ?? counts) !== counts)
    .map(({ from }) => `${from} is not used, for ${first.from} says something else; set one of the two`);
}

/** `AWS_S3_USE_SSL` speaks of an address that leaves open what it is. */
function contradictedScheme(sources: ConfigSources): string[] {
  const [address] = listGiven(SETTINGS.endpoint, sources);
  const [useTls] = listGiven(SETTINGS.useTls, sources);
  if (address === undefined || useTls === undefined) return [];
  const [scheme] = /^https?:/i.exec(address.read().trim()) ?? [];
  const wanted = /^(1|true|yes|on)$/i.test(useTls.read().trim()) ? 'https:' : 'http:';
  if (scheme === undefined || scheme.toLowerCase() === wanted) return [];
  return [
    `${useTls.from}=${useTls.read()} is not used, for ${address.from} begins with ${scheme}//; change one of the two`,
  ];
}

/** A file that cannot be read is undefined, and contradicts nothing. */
function readIfPossible(given: Given): string | undefined {
  try {
    return given.read().trim();
  } catch {
    return undefined;
  }
}
