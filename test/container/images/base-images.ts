import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { buildImage, dockerClient, type Engine } from '../engine/docker.ts';

export const DEBIAN_IMAGE = 'debian:trixie-slim';
export const NODE_IMAGE = 'node:24-trixie-slim';

const NODE = `node-linux-${process.arch}@24.21.0`;
const NPM = 'npm@11.19.1';

/** What Debian's slim images leave out; they do not wait for the disk either (`force-unsafe-io`). */
const LEFT_OUT = ['doc', 'info', 'locale', 'man', 'lintian'];

/**
 * Makes the images that the Dockerfile and the stand-ins begin with, as their namesakes of the registry are: Debian
 * without documentation, and Node with npm below /usr/local.
 *
 * @param directory takes what they are made from
 */
export async function makeBaseImages(engine: Engine, directory: string): Promise<void> {
  const node = join(directory, 'node');
  await Promise.all([importDebian(engine, join(directory, 'debian')), unpackNode(node)]);
  writeFileSync(join(node, 'Dockerfile'), `FROM ${DEBIAN_IMAGE}\nCOPY local /usr/local\nCMD ["node"]\n`);
  await buildImage(engine, NODE_IMAGE, node);
}

async function importDebian(engine: Engine, root: string): Promise<void> {
  // dpkg need not wait for the disk: what is lost in a crash is made anew.
  await runCommand('debootstrap', ['--variant=minbase', 'trixie', root], {
    env: { DPKG_FORCE: 'unsafe-io' },
  });
  const excluded = LEFT_OUT.map((name) => `path-exclude=/usr/share/${name}/*\n`);
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/docker'), ['force-unsafe-io\n', ...excluded].join(''));
  const emptied = [
    ...LEFT_OUT.map((name) => `usr/share/${name}`),
    'var/cache/apt',
    'var/lib/apt/lists',
    'var/log',
  ];
  for (const path of emptied) empty(join(root, path));
  const pack = 'tar --directory="$1" --create . | "$2" import - "$3"';
  await runCommand('sh', ['-c', pack, 'import', root, dockerClient(), DEBIAN_IMAGE], { env: engine.env });
  rmSync(root, { recursive: true });
}

async function unpackNode(directory: string): Promise<void> {
  const modules = join(directory, 'local/lib/node_modules');
  const bin = join(directory, 'local/bin');
  for (const path of [modules, bin]) mkdirSync(path, { recursive: true });
  const packed = await runCommand('npm', ['pack', '--json', '--pack-destination', directory, NODE, NPM]);
  const [node, npm] = (JSON.parse(packed) as { filename: string }[]).map(({ filename }) =>
    join(directory, filename),
  );
  const unpack = (file: string | undefined, to: string, ...what: string[]) =>
    runCommand('tar', ['--extract', '--gzip', '--file', String(file), '--directory', to, ...what]);
  await unpack(node, join(directory, 'local'), '--strip-components=1', 'package/bin/node');
  mkdirSync(join(modules, 'npm'));
  await unpack(npm, join(modules, 'npm'), '--strip-components=1');
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  for (const file of [node, npm]) rmSync(String(file));
}

function empty(directory: string): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true, force: true });
}
