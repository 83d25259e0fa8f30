import { openSecretFiles, type SecretFiles } from './secret-files.ts';
import type { Setting } from './setting.ts';

/** Where settings come from: flags by their long names, then variables. */
export interface ConfigSources {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Needed only if they are read several times. */
  readonly secretFiles?: SecretFiles;
}

/** One place where a setting is given. */
export interface Given {
  readonly kind: 'flag' | 'file' | 'variable';
  /** Its name in messages: `--port`, `POSTGRES_PASSWORD_FILE`, `POSTGRES_PORT`. */
  readonly from: string;
  /**
   * The current value: a secret's file may be rewritten.
   *
   * @throws SettingProblem if a secret's file cannot be read
   */
  read(): string;
}

/**
 * The places where a setting is given, the one that counts first: the flag, then the variables in their order. A
 * secret's `_FILE` replaces the variable that it belongs to.
 */
export function listGiven(
  setting: Setting,
  { flags, env, secretFiles = openSecretFiles() }: ConfigSources,
): Given[] {
  const given: Given[] = [];
  const flag = setting.flag === undefined ? undefined : flags[setting.flag];
  if (flag !== undefined) given.push({ kind: 'flag', from: `--${setting.flag}`, read: () => flag });
  for (const name of setting.names) {
    const file = `${name}_FILE`;
    const path = setting.secret ? env[file] : undefined;
    const value = env[name];
    // libpq treats an empty PG* variable as unset.
    const mayBeEmpty = setting.emptyIsUnset === true || name.startsWith('PG');
    // An empty path comes from a compose file: `X_FILE: ${X_FILE:-}`.
    if (path !== undefined && path !== '')
      given.push({ kind: 'file', from: file, read: () => secretFiles.read(file, path) });
    else if (value !== undefined && !(value === '' && mayBeEmpty))
      given.push({ kind: 'variable', from: name, read: () => value });
  }
  return given;
}
