import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDaemons, type Daemons } from './daemons.ts';
import { requirePrograms } from './debian-packages.ts';
import { freePorts } from './free-ports.ts';
import type { RealS3Server, StartOptions } from './real-s3-server.ts';

const run = promisify(execFile);

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph', 'ceph-authtool', 'monmaptool'];
const PACKAGES = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'];

/** Each of the three steps of the start may take this long; all of them took 16 s on two cores. */
const STEP_MS = 60_000;

const ACCESS_KEY = 'conformance';
const SECRET_KEY = 'conformance-secret';

const MON_CAPS = ['--cap', 'mon', 'allow *'];
const ADMIN_CAPS = [...MON_CAPS, '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *'];

/** Parts of Ceph that tell of each step, by which an error in a log would scroll away. */
const QUIET = ['mon', 'paxos', 'osd', 'bluestore', 'bluefs', 'rocksdb', 'rgw'];

type Ports = Readonly<Record<'mon' | 'monV1' | 'rgw', number>>;

/** Runs one of Ceph's programs to its end; returns what it printed. */
type Ceph = (program: string, ...args: string[]) => Promise<string>;

/**
 * Ceph's S3 gateway, from Debian's packages: one monitor, one storage daemon on a sparse file, the gateway.
 *
 * @throws Error when it cannot be installed or does not come up; the signal's reason
 */
export async function startRgw({ directory, signal }: StartOptions): Promise<RealS3Server> {
  requirePrograms('Ceph RGW', PROGRAMS, PACKAGES);
  const ports = await freePorts('mon', 'monV1', 'rgw');
  const env = { PATH: process.env.PATH, CEPH_CONF: join(directory, 'ceph.conf') };
  const ceph: Ceph = async (program, ...args) => {
    const limits = { timeout: STEP_MS, ...(signal === undefined ? {} : { signal }) };
    return (await run(program, args, { env, cwd: '/', ...limits })).stdout;
  };
  const daemons = createDaemons(directory);
  try {
    const fsid = randomUUID();
    writeConfiguration(directory, fsid, ports);
    await startMonitor({ directory, fsid, ports, daemons, ceph, signal });
    await startStorage({ directory, daemons, ceph, signal });
    await startGateway({ directory, ports, daemons, ceph, signal });
    const [, version = ''] = /version (\S+)/.exec(await ceph('radosgw', '--version')) ?? [];
    return {
      name: `Ceph RGW ${version.replace(/[-+].*/, '')}`,
      endpoint: `http://127.0.0.1:${ports.rgw}`,
      region: 'us-east-1',
      accessKey: ACCESS_KEY,
      secretKey: SECRET_KEY,
      logs: () => daemons.logs(),
      stop: () => daemons.stop(),
    };
  } catch (error) {
    await daemons.stop();
    signal?.throwIfAborted();
    throw error;
  }
}

function writeConfiguration(directory: string, fsid: string, ports: Ports): void {
  for (const name of ['mon', 'osd', 'rgw', 'run']) mkdirSync(join(directory, name));
  writeFileSync(
    join(directory, 'ceph.conf'),
    `[global]
fsid = ${fsid}
mon_host = ${monitorAddress(ports)}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
keyring = ${directory}/admin.keyring
run_dir = ${directory}/run
admin_socket = ${directory}/run/$name.asok
log_to_stderr = true
log_file =
${QUIET.map((part) => `debug_${part} = 0\n`).join('')}osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
bluestore_block_size = 21474836480
osd_memory_target = 939524096
rgw_enable_apis = s3
rgw_override_bucket_index_max_shards = 4
rgw_dynamic_resharding = false

[mon]
mon_data = ${directory}/mon

[osd]
osd_data = ${directory}/osd
keyring = ${directory}/osd/keyring
`,
  );
}

function monitorAddress({ mon, monV1 }: Ports): string {
  return `[v2:127.0.0.1:${mon},v1:127.0.0.1:${monV1}]`;
}

interface Step {
  readonly directory: string;
  readonly daemons: Daemons;
  readonly ceph: Ceph;
  readonly signal: AbortSignal | undefined;
}

async function startMonitor(step: Step & { readonly fsid: string; readonly ports: Ports }): Promise<void> {
  const { directory, fsid, ports, daemons, ceph, signal } = step;
  const [map, mon, admin] = ['monmap', 'mon.keyring', 'admin.keyring'].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  await ceph('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', monitorAddress(ports), map);
  await ceph('ceph-authtool', '--create-keyring', mon, '--gen-key', '-n', 'mon.', ...MON_CAPS);
  await ceph('ceph-authtool', '--create-keyring', admin, '--gen-key', '-n', 'client.admin', ...ADMIN_CAPS);
  await ceph('ceph-authtool', mon, '--import-keyring', admin);
  await ceph('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map, '--keyring', mon);
  daemons.start('mon', 'ceph-mon', ['-i', 'a', '-f'], env(directory));
  await daemons.untilReady(() => succeeds(ceph('ceph', '--connect-timeout', '2', 'status')), STEP_MS, signal);
}

async function startStorage({ directory, daemons, ceph, signal }: Step): Promise<void> {
  const id = randomUUID();
  await ceph('ceph', 'osd', 'new', id);
  const caps = ['osd', 'allow *', 'mon', 'allow profile osd', 'mgr', 'allow profile osd'];
  const keyring = await ceph('ceph', 'auth', 'get-or-create', 'osd.0', ...caps);
  writeFileSync(join(directory, 'osd', 'keyring'), keyring);
  await ceph('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', id);
  await ceph('ceph', 'osd', 'crush', 'add', 'osd.0', '1.0', 'host=local', 'root=default');
  daemons.start('osd', 'ceph-osd', ['-i', '0', '-f'], env(directory));
  const isUp = async () => /\b1 up\b/.test(await ceph('ceph', 'osd', 'stat'));
  await daemons.untilReady(isUp, STEP_MS, signal);
}

async function startGateway({
  directory,
  ports,
  daemons,
  ceph,
  signal,
}: Step & { readonly ports: Ports }): Promise<void> {
  const keyring = join(directory, 'rgw', 'keyring');
  const caps = ['mon', 'allow rwx', 'osd', 'allow rwx'];
  writeFileSync(keyring, await ceph('ceph', 'auth', 'get-or-create', 'client.rgw.a', ...caps));
  const keys = [`--access-key=${ACCESS_KEY}`, `--secret=${SECRET_KEY}`];
  await ceph('radosgw-admin', 'user', 'create', '--uid=conformance', '--display-name=conformance', ...keys);
  const frontend = `beast endpoint=127.0.0.1:${ports.rgw}`;
  const places = ['--rgw-data', join(directory, 'rgw'), '--keyring', keyring, '--rgw-frontends', frontend];
  daemons.start('rgw', 'radosgw', ['-f', '-n', 'client.rgw.a', ...places], env(directory));
  const answers = () =>
    succeeds(fetch(`http://127.0.0.1:${ports.rgw}/`, signal === undefined ? {} : { signal }));
  await daemons.untilReady(answers, STEP_MS, signal);
}

function env(directory: string): Record<string, string> {
  return { CEPH_CONF: join(directory, 'ceph.conf') };
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
