import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { installPackages, isDebian } from './debian-packages.ts';

/** What a server needs, and what tests and the quickstart run against it. */
const PROGRAMS = ['initdb', 'postgres', 'pg_dump', 'pg_restore', 'psql'];

const PACKAGE_SETTINGS = '/etc/postgresql-common/createcluster.conf';

/**
 * The directory of a PostgreSQL server's programs: PG_BINDIR, PATH, Debian's places, Homebrew's places; the highest
 * version of each. On Debian as root they are installed when there are none.
 *
 * @throws Error with the command to run where they cannot be installed from here
 */
export function requireServerBinaries(env: NodeJS.ProcessEnv): string {
  const found = findServerBinaries(env);
  if (found !== undefined) return found;
  if (!isDebian()) {
    throw new Error(
      'there is no PostgreSQL server on this machine — run: brew install postgresql@17 (or set PG_BINDIR to the directory that holds initdb)',
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Error(
      'there is no PostgreSQL server on this machine — run: sudo apt-get install --yes postgresql',
    );
  }
  installPostgres();
  const installed = findServerBinaries(env);
  if (installed !== undefined) return installed;
  throw new Error(
    'the package postgresql brought no server — set PG_BINDIR to the directory that holds initdb',
  );
}

/** The first of the known places that holds all of the programs. */
export function findServerBinaries(env: NodeJS.ProcessEnv): string | undefined {
  const candidates = [
    env.PG_BINDIR ?? '',
    ...(env.PATH ?? '').split(delimiter).map(behindLink),
    ...below('/usr/lib/postgresql', /^\d+$/),
    ...below('/opt/homebrew/opt', /^postgresql/),
    ...below('/usr/local/opt', /^postgresql/),
  ];
  return candidates.find(
    (directory) => directory !== '' && PROGRAMS.every((program) => existsSync(join(directory, program))),
  );
}

/** A link in PATH may stand alone, while the directory that it leads to holds the other programs too. */
function behindLink(directory: string): string {
  const initdb = join(directory, 'initdb');
  return directory !== '' && existsSync(initdb) ? dirname(realpathSync(initdb)) : '';
}

function below(parent: string, pattern: RegExp): string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => pattern.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(parent, name, 'bin'));
}

/** The package makes and starts a cluster on the standard port unless told otherwise; nothing of it is wanted. */
function installPostgres(): void {
  process.stderr.write('no PostgreSQL server on this machine: installing the package postgresql\n');
  installPackages(['postgresql-common']);
  const settings = readFileSync(PACKAGE_SETTINGS, 'utf8');
  writeFileSync(PACKAGE_SETTINGS, `${settings}\ncreate_main_cluster = false\n`);
  try {
    installPackages(['postgresql']);
  } finally {
    writeFileSync(PACKAGE_SETTINGS, settings);
  }
}
