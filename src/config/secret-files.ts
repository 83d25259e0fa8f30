import { readFileSync, statSync } from 'node:fs';
import { SettingProblem } from './setting.ts';

/** The files in which secrets are given. */
export interface SecretFiles {
  /**
   * What a file holds by now, without a line feed at its end. Anything else than a file, such as a pipe, gives its
   * text only once; that is remembered.
   *
   * @param variable the one that names the file
   * @throws SettingProblem if it cannot be read
   */
  read(variable: string, path: string): string;
}

/** Nothing read yet. */
export function openSecretFiles(): SecretFiles {
  const given = new Map<string, string>();
  return {
    read(variable, path) {
      const known = given.get(path);
      if (known !== undefined) return known;
      // Looked at before, because a pipe may be removed as soon as it has been read.
      const isOnce = !isRegular(path);
      const text = readSecret(variable, path);
      if (isOnce) given.set(path, text);
      return text;
    },
  };
}

function readSecret(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const expected = code === 'EACCES' ? `a file that uid ${process.getuid?.()} may read` : 'a readable file';
    throw new SettingProblem(
      `${variable}: cannot read ${JSON.stringify(path)} (${code}), expected ${expected}`,
    );
  }
}

/** A file may also be missing for a moment, while it is rewritten. */
function isRegular(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return true;
  }
}
