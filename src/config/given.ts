import { readFileSync, statSync } from 'node:fs';
import type { Setting } from './setting.ts';

/** Where settings come from: flags by their long names, then variables. */
export interface ConfigSources {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One place where a setting is given. */
export interface Given {
  readonly kind: 'flag' | 'file' | 'variable';
  /** Its name in messages: `--port`, `POSTGRES_PASSWORD_FILE`, `POSTGRES_PORT`. */
  readonly from: string;
  /** @throws SettingProblem if a secret's file cannot be read */
  read(): string;
  /**
   * What a secret's file holds by now; undefined if that cannot be read again, as a pipe cannot.
   *
   * @throws SettingProblem
   */
  readAgain?(): string | undefined;
}

/** What is wrong with one setting: its name and the accepted form. */
export class SettingProblem extends Error {}

/**
 * The places where a setting is given, the one that counts first: the flag, then the variables in their order. A
 * secret's `_FILE` replaces the variable that it belongs to.
 */
export function listGiven(setting: Setting, { flags, env }: ConfigSources): Given[] {
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
      given.push({
        kind: 'file',
        from: file,
        read: () => readSecretFile(file, path),
        readAgain: () => (isRegular(path) ? readSecretFile(file, path) : undefined),
      });
    else if (value !== undefined && !(value === '' && mayBeEmpty))
      given.push({ kind: 'variable', from: name, read: () => value });
  }
  return given;
}

/** Opening anything else, such as a pipe that nobody writes to, may never return. */
function isRegular(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function readSecretFile(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new SettingProblem(
      `${name}: cannot read ${JSON.stringify(path)} (${code}), expected a readable file`,
    );
  }
}
