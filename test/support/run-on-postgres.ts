import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isDebian, requirePrograms } from './debian-packages.ts';
import { runUntilSignal } from './run-until-signal.ts';
import { runVitest } from './run-vitest.ts';
import { scratchDirectory } from './scratch-directory.ts';

/** The releases of Debian that have other PostgreSQLs than this one. */
const SUITES = new Map([
  ['13', 'bullseye'],
  ['17', 'trixie'],
  ['18', 'forky'],
]);
const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const run = promisify(execFile);

const [major = '', ...tests] = process.argv.slice(2);
const suite = SUITES.get(major);
if (suite === undefined) {
  console.error(`usage: npm run test:postgres -- ${[...SUITES.keys()].join('|')} [tests]`);
  process.exitCode = 2;
} else {
  process.exitCode = await main(major, suite, tests);
}

/**
 * Runs vitest with these arguments on a PostgreSQL of which another release of Debian than the one that this machine
 * has takes the packages. They are only unpacked, into a temporary directory; nothing is installed or left.
 *
 * @returns the exit status
 */
function main(major: string, suite: string, args: readonly string[]): Promise<number> {
  return runUntilSignal(`test:postgres ${major}`, 'nothing is left', async (signal) => {
    const directory = scratchDirectory('postgres');
    try {
      // The server runs as a user of its own.
      chmodSync(directory.path, 0o711);
      const binDir = await unpackPostgres(directory.path, major, suite, signal);
      const { stdout } = await run(join(binDir, 'postgres'), ['--version']);
      console.log(`${stdout.trim()}, unpacked in ${directory.path}`);
      return await runVitest(args, { PG_BINDIR: binDir }, signal);
    } finally {
      directory.remove();
    }
  });
}

/**
 * @returns the directory of the server's programs, which run with the C library that they were built for
 * @throws Error where apt cannot get them, the signal's reason
 */
async function unpackPostgres(
  directory: string,
  major: string,
  suite: string,
  signal: AbortSignal,
): Promise<string> {
  if (!isDebian())
    throw new Error(`PostgreSQL ${major} is taken from Debian’s packages, and this is no Debian`);
  requirePrograms('patchelf', ['patchelf'], ['patchelf']);
  const archives = await download(directory, `postgresql-${major}`, suite, signal);
  const root = join(directory, 'root');
  for (const archive of archives) await run('dpkg', ['-x', archive, root], { signal });

  const binDir = join(root, 'usr/lib/postgresql', major, 'bin');
  const programs = readdirSync(binDir)
    .map((name) => join(binDir, name))
    .filter(isElf);
  const [loader, libraries] = librariesOf(root);
  const change = ['--set-interpreter', loader, '--force-rpath', '--set-rpath', libraries];
  await run('patchelf', [...change, ...programs], { signal });
  return binDir;
}

/** Has apt get a package with all that it needs, as for a machine that has none yet. */
async function download(
  directory: string,
  name: string,
  suite: string,
  signal: AbortSignal,
): Promise<string[]> {
  const at = (name: string) => join(directory, name);
  for (const needed of ['state/lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(at(needed), { recursive: true });
  writeFileSync(at('status'), '');
  writeFileSync(at('sources.list'), `deb [signed-by=${KEYRING}] ${MIRROR} ${suite} main\n`);
  const options = [
    `Dir::State=${at('state')}`,
    `Dir::State::status=${at('status')}`,
    `Dir::Cache=${at('cache')}`,
    `Dir::Etc::sourcelist=${at('sources.list')}`,
    'Dir::Etc::sourceparts=-',
    // Its own user may not write here.
    'APT::Sandbox::User=',
    'Acquire::Retries=3',
    'APT::Update::Error-Mode=any',
  ].flatMap((option) => ['-o', option]);
  await run('apt-get', [...options, 'update'], { signal });
  const install = ['install', '--yes', '--no-install-recommends', '--download-only'];
  await run('apt-get', [...options, ...install, name], { signal });
  const archives = at('cache/archives');
  return readdirSync(archives)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => join(archives, file));
}

/** @returns the loader of the unpacked C library, and the directories of the libraries */
function librariesOf(root: string): [loader: string, libraries: string] {
  // Before Debian 12 some packages have their libraries in the one, some in the other.
  const directories = ['usr/lib', 'lib'].flatMap((parent) =>
    readNames(join(root, parent))
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(root, parent, name)),
  );
  const [loader] = directories.flatMap((directory) =>
    readNames(directory)
      .filter((name) => /^ld-linux.*\.so/.test(name))
      .map((name) => join(directory, name)),
  );
  if (loader === undefined) throw new Error(`the packages brought no loader into ${directories.join(', ')}`);
  return [loader, directories.join(':')];
}

function readNames(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Some programs are scripts. */
function isElf(path: string): boolean {
  return readFileSync(path).subarray(1, 4).toString() === 'ELF';
}
