import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isDebian, requirePrograms } from './debian-packages.ts';
import { runUntilSignal } from './run-until-signal.ts';
import { runVitest } from './run-vitest.ts';
import { scratchDirectory } from './scratch-directory.ts';

/** A release of Debian, and the PostgreSQL that it has. */
const SUITE = 'trixie';
const MAJOR = '17';
const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const run = promisify(execFile);

process.exitCode = await main(process.argv.slice(2));

/**
 * Runs vitest with these arguments on PostgreSQL 17, of which another release of Debian than the one that this machine
 * has takes the packages. They are only unpacked, into a temporary directory; nothing is installed or left.
 *
 * @returns the exit status
 */
function main(args: readonly string[]): Promise<number> {
  return runUntilSignal(`test:postgres-${MAJOR}`, 'nothing is left', async (signal) => {
    const directory = scratchDirectory('postgres');
    try {
      // The server runs as a user of its own.
      chmodSync(directory.path, 0o711);
      const binDir = await unpackPostgres(directory.path, signal);
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
async function unpackPostgres(directory: string, signal: AbortSignal): Promise<string> {
  if (!isDebian())
    throw new Error(`PostgreSQL ${MAJOR} is taken from Debian’s packages, and this is no Debian`);
  requirePrograms('patchelf', ['patchelf'], ['patchelf']);
  const archives = await download(directory, signal);
  const root = join(directory, 'root');
  for (const archive of archives) await run('dpkg', ['-x', archive, root], { signal });

  const binDir = join(root, 'usr/lib/postgresql', MAJOR, 'bin');
  const programs = readdirSync(binDir)
    .map((name) => join(binDir, name))
    .filter(isElf);
  const [loader, libraries] = librariesOf(root);
  const change = ['--set-interpreter', loader, '--force-rpath', '--set-rpath', libraries];
  await run('patchelf', [...change, ...programs], { signal });
  return binDir;
}

/** Has apt get the packages with all that they need, as for a machine that has none yet. */
async function download(directory: string, signal: AbortSignal): Promise<string[]> {
  const at = (name: string) => join(directory, name);
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(at(name), { recursive: true });
  writeFileSync(at('status'), '');
  writeFileSync(at('sources.list'), `deb [signed-by=${KEYRING}] ${MIRROR} ${SUITE} main\n`);
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
  await run('apt-get', [...options, ...install, `postgresql-${MAJOR}`], { signal });
  const archives = at('cache/archives');
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(archives, name));
}

/** @returns the loader of the unpacked C library, and the directory of the libraries */
function librariesOf(root: string): [loader: string, libraries: string] {
  const parent = join(root, 'usr/lib');
  const libraries = join(parent, readdirSync(parent).find((name) => name.endsWith('-linux-gnu')) ?? '');
  const loader = readdirSync(libraries).find((name) => /^ld-linux.*\.so/.test(name));
  if (loader === undefined) throw new Error(`the packages brought no loader into ${libraries}`);
  return [join(libraries, loader), libraries];
}

/** Some programs are scripts. */
function isElf(path: string): boolean {
  return readFileSync(path).subarray(1, 4).toString() === 'ELF';
}
