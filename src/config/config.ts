import * as v from 'valibot';
import { ConfigError } from '../errors.ts';
import { type ConfigSources, type Given, listGiven } from './given.ts';
import { type Secret, secret } from './secret.ts';
import { type Setting, type SettingGroup, SettingProblem } from './setting.ts';
import { SETTINGS, type SettingName } from './settings.ts';
import { unknownVariables } from './unknown-variables.ts';

type Value<N extends SettingName> = (typeof SETTINGS)[N] extends { secret: true }
  ? Secret
  : v.InferOutput<(typeof SETTINGS)[N]['schema']>;

type InGroup<G extends SettingGroup> = {
  [N in SettingName]: (typeof SETTINGS)[N]['group'] extends G ? N : never;
}[SettingName];

/** The typed settings of the groups `G`; those that are optional and not given are undefined. */
export type Config<G extends SettingGroup = SettingGroup> = {
  readonly [N in InGroup<G>]: (typeof SETTINGS)[N] extends { optional: true }
    ? Value<N> | undefined
    : Value<N>;
};

/**
 * Reads and validates the settings of the given groups, once, at startup.
 *
 * @throws ConfigError listing every problem found, each with the variable's name and the accepted form, and the
 * variables that may have been mistyped
 */
export function readConfig<G extends SettingGroup>(sources: ConfigSources, groups: readonly G[]): Config<G> {
  const wanted = Object.entries<Setting>(SETTINGS).filter(([, { group }]) => groups.some((g) => g === group));
  return readSettings(sources, wanted) as Config<G>;
}

/**
 * Reads one setting of a command that can do without it.
 *
 * @returns undefined if it is not given
 * @throws ConfigError if it does not have the accepted form
 */
export function readIfGiven<N extends SettingName>(sources: ConfigSources, name: N): Value<N> | undefined {
  if (listGiven(SETTINGS[name], sources).length === 0) return undefined;
  return readSettings(sources, [[name, SETTINGS[name]]])[name] as Value<N>;
}

function readSettings(
  sources: ConfigSources,
  settings: readonly (readonly [name: string, Setting])[],
): Record<string, unknown> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of settings) {
    try {
      values[name] = readSetting(setting, sources);
    } catch (error) {
      if (!(error instanceof SettingProblem)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) {
    throw new ConfigError({
      doing: 'cannot read the configuration',
      problem: [...problems, ...unknownVariables(sources.env)].join('; '),
      remedy:
        'set it in the environment, or with its flag if it has one; docs/SETTINGS.md lists all settings',
    });
  }
  return values;
}

/** The name under which a setting was given: `DBBACKUP_SCHEDULE`, `SCHEDULE`, `--schedule`. */
export function givenAs(name: SettingName, sources: ConfigSources): string {
  const setting: Setting = SETTINGS[name];
  return listGiven(setting, sources)[0]?.from ?? setting.names[0];
}

function readSetting(setting: Setting, sources: ConfigSources): unknown {
  const [given] = listGiven(setting, sources);
  const value = given?.read() ?? setting.fallback;
  if (value === undefined) {
    if (setting.optional) return undefined;
    throw new SettingProblem(`${setting.names[0]} is not set, expected ${setting.form}`);
  }
  const from = given?.from ?? setting.names[0];
  if (value.trim() === '') throw new SettingProblem(`${from} is empty, expected ${setting.form}`);
  const parsed = v.safeParse(setting.schema, value);
  if (!parsed.success) {
    const shown = setting.secret || mayHoldPassword(value) ? 'the value given' : JSON.stringify(value);
    throw new SettingProblem(`${from}: ${shown} is not accepted, expected ${setting.form}`);
  }
  if (!setting.secret) return parsed.output;
  return secret(String(parsed.output), given === undefined ? undefined : () => readAgain(given, setting));
}

/**
 * Returns undefined for an empty or missing file, because a file that is being rewritten may be either for a moment.
 */
function readAgain(given: Given, { schema }: Setting): string | undefined {
  try {
    const value = given.read();
    const parsed = v.safeParse(schema, value);
    return parsed.success && value.trim() !== '' ? String(parsed.output) : undefined;
  } catch (error) {
    if (error instanceof SettingProblem) return undefined;
    throw error;
  }
}

/**
 * Whether a value may be an address such as `https://user:password@host`, a part of one, or a libpq connection
 * string, given in place of something else.
 */
function mayHoldPassword(value: string): boolean {
  return /@|pass(?:word)?\s*=/i.test(value);
}
