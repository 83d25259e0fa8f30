import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What a line of a password file is matched with. */
interface PasswordRequest {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** A server asks for a password, and there is none for the connection. */
export class NoPasswordError extends Error {
  /** What to do. */
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(`the server asks for a password, and ${problem}`);
    this.remedy = remedy;
  }
}

/**
 * The password for a connection from libpq's password file (manual, "The Password File"): the one named by
 * `PGPASSFILE`, else `~/.pgpass`. Like libpq, this uses no file that others may read.
 *
 * @throws NoPasswordError if there is none
 */
export async function readPasswordFile(request: PasswordRequest, env: Env): Promise<string> {
  const path = env.PGPASSFILE || join(env.HOME || homedir(), '.pgpass');
  const unusable = (problem: string, remedy: string) =>
    new NoPasswordError(`the password file ${path} ${problem}`, remedy);
  const text = await readPrivate(path, unusable);
  if (text === undefined && env.PGPASSFILE) throw unusable('does not exist', SET_EITHER);
  const password = text === undefined ? undefined : findPassword(text, request);
  if (password !== undefined) return password;
  throw new NoPasswordError(
    'none is given for this database and user',
    'set POSTGRES_PASSWORD, or add a line for them to the file of PGPASSFILE (* as its database covers all)',
  );
}

const SET_EITHER = 'set POSTGRES_PASSWORD, or set PGPASSFILE to a password file';

/** @returns undefined if there is no such file */
async function readPrivate(
  path: string,
  unusable: (problem: string, remedy: string) => NoPasswordError,
): Promise<string | undefined> {
  try {
    // Reading a pipe would wait for its writer.
    const file = await stat(path);
    if (!file.isFile()) throw unusable('is not a regular file', SET_EITHER);
    if ((file.mode & 0o077) !== 0)
      throw unusable('is ignored because group or others have access to it', `chmod 600 ${path}`);
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (error instanceof NoPasswordError) throw error;
    throw unusable(`cannot be read (${code ?? error})`, `let uid ${process.getuid?.()} read it`);
  }
}

/**
 * Host, port, database, user and password, between colons; a backslash precedes a colon or backslash. What follows a
 * further colon is not read.
 */
const LINE = /^((?:\\.|[^\\:])*):((?:\\.|[^\\:])*):((?:\\.|[^\\:])*):((?:\\.|[^\\:])*):((?:\\.|[^\\:]|\\$)*)/;

/** The directories of a server's socket, by default, of Debian and of PostgreSQL itself: `localhost` in such a file. */
const SOCKETS: ReadonlySet<string> = new Set(['/var/run/postgresql', '/tmp']);

/** The password of the first line that matches; undefined if none does, or it has none. */
export function findPassword(text: string, request: PasswordRequest): string | undefined {
  const { host, port, database, user } = request;
  const hosts = SOCKETS.has(host) ? [host, 'localhost'] : [host];
  const wanted = [hosts, [String(port)], [database], [user]];
  for (const line of text.split('\n')) {
    const [, ...fields] = line.startsWith('#') ? [] : (LINE.exec(line.replace(/\r+$/, '')) ?? []);
    const password = fields[wanted.length];
    if (password === undefined) continue;
    const isMatch = wanted.every(
      (values, at) => fields[at] === '*' || values.includes(withoutBackslashes(fields[at] ?? '')),
    );
    if (isMatch) return withoutBackslashes(password) || undefined;
  }
  return undefined;
}

function withoutBackslashes(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}
