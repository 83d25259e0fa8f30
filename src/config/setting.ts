import type * as v from 'valibot';

/** What a group of commands talks to; a command names the groups whose settings it needs. */
export type SettingGroup =
  | 'database'
  | 'store'
  | 'backup'
  | 'retention'
  | 'guard'
  | 'lock'
  | 'health'
  | 'schedule'
  | 'zone'
  | 'service'
  | 'verify'
  | 'drill'
  | 'container'
  | 'media'
  | 'references'
  | 'audit'
  | 'dump-audit'
  | 'audit-schedule'
  | 'tools'
  | 'log';

/**
 * One setting: where it is read from, what it accepts, and its wording in docs/SETTINGS.md and in error messages.
 * `names` are environment variables, of which the first one set wins; a `secret` is also read from `NAME_FILE`.
 */
export interface Setting<S extends Schema = Schema> {
  readonly group: SettingGroup;
  readonly names: readonly [string, ...string[]];
  /** Long flag without dashes; flags win over the environment. */
  readonly flag?: string;
  readonly schema: S;
  /** The text that is parsed if nothing is given; without it the setting is required, or absent if `optional`. */
  readonly fallback?: string;
  readonly optional?: true;
  /** An empty variable counts as unset, for variables that compose files pass on: `X: ${X:-}`. */
  readonly emptyIsUnset?: true;
  readonly secret?: true;
  /** The accepted form, as it follows "expected" in an error message. */
  readonly form: string;
  /** One sentence for docs/SETTINGS.md and the help. */
  readonly about: string;
}

/** All variables that the setting is read from. */
export function variablesOf({ names, secret }: Pick<Setting, 'names' | 'secret'>): string[] {
  return names.flatMap((name) => (secret ? [name, `${name}_FILE`] : [name]));
}

/** What is wrong with one setting: its name and the accepted form. */
export class SettingProblem extends Error {}

/** Parses the text of a variable or a flag. */
type Schema = v.GenericSchema<string, unknown>;

/** Keeps the literal types of a table of settings, from which the typed configuration follows. */
export function defineSettings<const T extends Record<string, Setting>>(table: T): T {
  return table;
}
