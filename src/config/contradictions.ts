import * as v from 'valibot';
import { type ConfigSources, type Given, listGiven } from './given.ts';
import type { Setting } from './setting.ts';
import { RETENTION_SETTINGS } from './settings/retention.ts';
import { SETTINGS } from './settings.ts';

/** One warning for each variable that contradicts the value used in its place. */
export function contradictions(sources: ConfigSources): string[] {
  const overruled = Object.values<Setting>(SETTINGS).flatMap((setting) =>
    overruledVariables(listGiven(setting, sources)),
  );
  return [...overruled, ...contradictedScheme(sources), ...contradictedRules(sources)];
}

/** Variables that many programs read, or AWS itself sets, are meant to be overridden. */
const COMMON = /^PG|^TMPDIR$|^AWS_REGION$/;

/** A flag is meant to override, so it contradicts nothing. */
function overruledVariables([first, ...others]: readonly Given[]): string[] {
  if (first === undefined || first.kind === 'flag' || others.length === 0) return [];
  const counts = readIfPossible(first);
  return others
    .filter(({ from }) => !COMMON.test(from))
    .filter((other) => (readIfPossible(other) ?? counts) !== counts)
    .map(
      ({ from }) =>
        `${from} is ignored because ${first.from} is set to a different value; set only one of them`,
    );
}

/** `AWS_S3_USE_SSL` applies only to an address without a scheme. */
function contradictedScheme(sources: ConfigSources): string[] {
  const [address] = listGiven(SETTINGS.endpoint, sources);
  const [useTls] = listGiven(SETTINGS.useTls, sources);
  if (address === undefined || useTls === undefined) return [];
  const [scheme] = /^https?:/i.exec(address.read().trim()) ?? [];
  const { success, output } = v.safeParse(SETTINGS.useTls.schema, useTls.read());
  const wanted = success && output ? 'https:' : 'http:';
  if (scheme === undefined || scheme.toLowerCase() === wanted) return [];
  return [
    `${useTls.from}=${useTls.read()} is ignored because ${address.from} begins with ${scheme}//; change one of them`,
  ];
}

/** If all backups are kept, nothing is deleted, whatever the other rules say. */
function contradictedRules(sources: ConfigSources): string[] {
  const { maxBackups, ...others } = RETENTION_SETTINGS;
  const [count] = listGiven(maxBackups, sources);
  if (count === undefined || readIfPossible(count) !== '0') return [];
  return Object.values<Setting>(others)
    .filter(({ group }) => group === maxBackups.group)
    .flatMap((rule) => listGiven(rule, sources).slice(0, 1))
    .filter((rule) => readIfPossible(rule) !== '0')
    .map(
      ({ from }) =>
        `${from} is ignored because ${count.from}=0 keeps all backups; set ${count.from} to 1 to keep by ${from}`,
    );
}

/** Returns undefined for a file that cannot be read, which contradicts nothing. */
function readIfPossible(given: Given): string | undefined {
  try {
    return given.read().trim();
  } catch {
    return undefined;
  }
}
