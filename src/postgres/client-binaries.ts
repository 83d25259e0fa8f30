import { execFile } from 'node:child_process';
import { readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { DatabaseError } from '../errors.ts';

/** A PostgreSQL client program and its version. */
export interface ClientBinary {
  readonly path: string;
  /** Major version: 15. */
  readonly major: number;
  /** As the program prints it: `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
}

/** What is needed to find and run PostgreSQL's client programs. */
export interface ClientTools {
  /** The directory searched first (PG_BINDIR); undefined if none is set. */
  readonly binDir: string | undefined;
  /** Its PATH is searched last, and pg_restore runs in it; pg_dump runs in the environment of a `Database`. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Every `name` (`pg_dump`, `pg_restore`) on this machine, in search order: `binDir`, Debian's and Homebrew's
 * versioned directories, PATH.
 */
export async function findClients(
  name: 'pg_dump' | 'pg_restore',
  binDir: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<ClientBinary[]> {
  const directories = [
    ...(binDir === undefined ? [] : [binDir]),
    ...subdirectories('/usr/lib/postgresql', /^\d+$/),
    ...subdirectories('/opt/homebrew/opt', /^(postgresql|libpq)/),
    ...subdirectories('/usr/local/opt', /^(postgresql|libpq)/),
    ...(env.PATH ?? '').split(delimiter).filter((directory) => directory !== ''),
  ];
  const found = await Promise.all(directories.map((directory) => inspect(join(directory, name))));
  return found.filter((client) => client !== undefined);
}

/**
 * Chooses the pg_dump of the server's own major version, else the next newer one: it refuses a server newer than itself
 * (manual, pg_dump, Notes).
 *
 * @throws DatabaseError naming both versions and the package to install
 */
export function chooseClient(serverMajor: number, found: readonly ClientBinary[]): ClientBinary {
  const usable = found.filter((client) => client.major >= serverMajor);
  const best = Math.min(...usable.map((client) => client.major));
  const chosen = usable.find((client) => client.major === best);
  if (chosen !== undefined) return chosen;
  const versions = [...new Set(found.map((client) => client.major))].sort((a, b) => a - b);
  throw new DatabaseError({
    doing: `cannot choose a pg_dump for PostgreSQL ${serverMajor}`,
    problem:
      versions.length === 0
        ? 'there is no pg_dump on this machine'
        : `pg_dump here is version ${versions.join(', ')}, which refuses newer servers`,
    remedy: `install the package postgresql-client-${serverMajor}, or set PG_BINDIR to its directory`,
  });
}

function subdirectories(parent: string, pattern: RegExp): string[] {
  try {
    return readdirSync(parent)
      .filter((name) => pattern.test(name))
      .map((name) => join(parent, name, 'bin'));
  } catch {
    return [];
  }
}

async function inspect(path: string): Promise<ClientBinary | undefined> {
  try {
    // Debian's pg_wrapper reports the version of a local cluster, not of the server to be dumped.
    if (realpathSync(path).endsWith('/pg_wrapper')) return undefined;
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
    const version = /\(PostgreSQL\) ((\d+).*)/.exec(stdout.trim());
    if (version?.[1] === undefined || version[2] === undefined) return undefined;
    return { path, version: version[1], major: Number(version[2]) };
  } catch {
    return undefined;
  }
}
