import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDaemons, type Owner } from './daemons.ts';
import { requirePrograms } from './debian-packages.ts';
import { freePorts } from './free-ports.ts';
import type { RealS3Server, StartOptions } from './real-s3-server.ts';

const run = promisify(execFile);

/** Debian's own, whatever PATH finds first: its packages are for no other. */
const PYTHON = '/usr/bin/python3';

const START_MS = 60_000;

const BACKENDS = ['account', 'container', 'object'] as const;
const PROGRAMS = [
  'memcached',
  'swift-ring-builder',
  ...['proxy', ...BACKENDS].map((name) => `swift-${name}-server`),
];
const PACKAGES = ['memcached', 'swift-proxy', ...BACKENDS.map((backend) => `swift-${backend}`)];

const ACCESS_KEY = 'test:tester';
const SECRET_KEY = 'testing';

/**
 * Starts a server of Swift with the configuration beside it. Without this, Swift looks for swift.conf in /etc/swift
 * only: `swift_dir` in a server's own file is read too late (swift/common/utils.py, set_swift_dir).
 */
const LAUNCHER = `
import runpy, sys
from swift.common import utils
utils.set_swift_dir(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name='__main__')`;

/**
 * OpenStack Swift with its S3 API, from Debian's packages: a proxy, one device in a directory, and the cache that the
 * accounts of tempauth demand. As root it runs as
 * the package's user, who gets the directory.
 *
 * @throws Error when it cannot be installed or does not come up; the signal's reason
 */
export async function startSwift({ directory, signal }: StartOptions): Promise<RealS3Server> {
  requirePrograms('OpenStack Swift', PROGRAMS, PACKAGES);
  const ports = await freePorts('proxy', 'cache', ...BACKENDS);
  const owner = process.getuid?.() === 0 ? packageUser() : undefined;
  writeConfiguration(directory, ports, owner === undefined ? userInfo().username : 'swift');
  mkdirSync(join(directory, 'devices', 'd1'), { recursive: true });
  if (owner !== undefined) await run('chown', ['-R', `${owner.uid}:${owner.gid}`, directory]);

  const daemons = createDaemons(directory, owner);
  try {
    await Promise.all(BACKENDS.map((ring) => buildRing(directory, ring, ports[ring], owner, signal)));
    daemons.start('cache', 'memcached', ['-l', '127.0.0.1', '-p', String(ports.cache), '-U', '0']);
    for (const server of [...BACKENDS, 'proxy'] as const) {
      const config = join(directory, `${server}-server.conf`);
      const program = `/usr/bin/swift-${server}-server`;
      daemons.start(server, PYTHON, ['-c', LAUNCHER, directory, program, config, '--verbose']);
    }
    const listening = () => Promise.all(Object.values(ports).map(isListening));
    await daemons.untilReady(async () => (await listening()).every(Boolean), START_MS, signal);
    const { stdout: version } = await run(PYTHON, ['-c', 'import swift; print(swift.__version__)']);
    return {
      name: `OpenStack Swift ${version.trim()}`,
      endpoint: `http://127.0.0.1:${ports.proxy}`,
      region: 'us-east-1',
      accessKey: ACCESS_KEY,
      secretKey: SECRET_KEY,
      logs: () => daemons.logs(),
      stop: () => daemons.stop(),
    };
  } catch (error) {
    await daemons.stop();
    throw error;
  }
}

function writeConfiguration(
  directory: string,
  ports: Readonly<Record<'proxy' | 'cache' | (typeof BACKENDS)[number], number>>,
  user: string,
): void {
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const common = (port: number) => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = ${user}
swift_dir = ${directory}
workers = 0
log_level = WARNING
`;
  write('swift.conf', '[swift-hash]\nswift_hash_path_suffix = conformance\n');
  for (const backend of BACKENDS) {
    // Updates of listings are waited for, however slow the machine: no updater runs that would bring them later.
    write(
      `${backend}-server.conf`,
      `${common(ports[backend])}devices = ${join(directory, 'devices')}
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
container_update_timeout = 60

[pipeline:main]
pipeline = ${backend}-server

[app:${backend}-server]
use = egg:swift#${backend}
`,
    );
  }
  write(
    'proxy-server.conf',
    `${common(ports.proxy)}
[pipeline:main]
pipeline = catch_errors proxy-logging cache listing_formats s3api tempauth bulk slo dlo versioned_writes symlink proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 60
conn_timeout = 10

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${ports.cache}

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_upload_part_num = 10000

[filter:tempauth]
use = egg:swift#tempauth
user_${ACCESS_KEY.replace(':', '_')} = ${SECRET_KEY} .admin

[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000

[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true

[filter:proxy-logging]
use = egg:swift#proxy_logging

${['catch_errors', 'listing_formats', 'bulk', 'dlo', 'symlink']
  .map((filter) => `[filter:${filter}]\nuse = egg:swift#${filter}\n`)
  .join('\n')}`,
  );
}

/** A ring of one device: which server holds the accounts, the containers, or the objects. */
async function buildRing(
  directory: string,
  ring: (typeof BACKENDS)[number],
  port: number,
  owner: Owner | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const builder = join(directory, `${ring}.builder`);
  const options = { ...owner, cwd: '/', ...(signal === undefined ? {} : { signal }) };
  const steps = [['create', '4', '1', '1'], ['add', `r1z1-127.0.0.1:${port}/d1`, '1'], ['rebalance']];
  for (const step of steps) await run('swift-ring-builder', [builder, ...step], options);
}

function packageUser(): Owner {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('swift:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error('the packages of Swift made no user swift');
  return { uid: Number(uid), gid: Number(gid) };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
}
