import { chownSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { OTHER_CERTIFICATE, OWN_CERTIFICATE } from '../support/certificates.ts';
import { withClient } from '../support/database.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { runProgram, storeEnv } from '../support/topobank-backup.ts';

const scratch = scratchDirectory('tls');
/** The server's own certificate as a root, one that has nothing to do with it, and a file that holds none. */
const roots: Record<string, string> = {};
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ directory: scratch.path });
  const data = join(scratch.path, 'postgres');
  const { uid, gid } = statSync(data);
  for (const [name, text] of [
    ['server.crt', OWN_CERTIFICATE.cert],
    ['server.key', OWN_CERTIFICATE.key],
  ] as const) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    chownSync(join(data, name), uid, gid);
  }
  const rules = join(data, 'pg_hba.conf');
  const refusals =
    'hostnossl encrypted all all reject\nhostssl plain all all reject\nhost closed all all reject\n';
  writeFileSync(rules, `${refusals}${readFileSync(rules, 'utf8')}`);
  await withClient(server.env, 'postgres', async (client) => {
    for (const name of ['encrypted', 'plain', 'closed']) await client.query(`CREATE DATABASE ${name}`);
  });
  await serveTls('on');
  for (const [name, text] of [
    ['own', OWN_CERTIFICATE.cert],
    ['other', OTHER_CERTIFICATE.cert],
  ] as const) {
    roots[name] = join(scratch.path, `${name}.crt`);
    writeFileSync(roots[name], text);
  }
});

afterAll(async () => {
  await server.stop();
  scratch.remove();
});

interface Setting {
  readonly home?: string;
  readonly database?: string;
}

/** Makes connections that tell whether they are encrypted, or why there is none; all of one database of the tool's. */
function connector(
  mode: string,
  root: string,
  host: string,
  home = scratch.path,
): (database: string) => Promise<boolean | string> {
  const config = readConfig(
    { env: { ...server.env, POSTGRES_HOST: host, POSTGRES_DB: 'postgres' }, flags: {} },
    ['database'],
  );
  const env = {
    HOME: home,
    ...(mode === '' ? {} : { PGSSLMODE: mode }),
    ...(root === '' ? {} : { PGSSLROOTCERT: roots[root] ?? root }),
  };
  const { use } = openDatabase(config, env);
  const signal = new AbortController().signal;
  return (database) =>
    use(database, signal, async (client) => {
      const { rows } = await client.query<{ ssl: boolean }>(
        'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      );
      return rows[0]!.ssl;
    }).catch((error: Error) => error.message);
}

const connect = (
  mode: string,
  root: string,
  host: string,
  { home = scratch.path, database = 'postgres' }: Setting = {},
) => connector(mode, root, host, home)(database);

async function serveTls(ssl: 'on' | 'off'): Promise<void> {
  await withClient(server.env, 'postgres', async (client) => {
    await client.query(`ALTER SYSTEM SET ssl = ${ssl}`);
    await client.query('SELECT pg_reload_conf()');
  });
  await vi.waitFor(async () => {
    const { rows } = await withClient(server.env, 'postgres', (client) => client.query('SHOW ssl'));
    expect(rows).toEqual([{ ssl }]);
  }, 10_000);
}

const REFUSED = expect.stringMatching(
  /^cannot connect to database postgres on \S+ as topobank: .* — set PGSSLROOTCERT to the CA’s certificate file, or set PGSSLMODE=require to accept any certificate$/,
);

// The certificate is of the address 127.0.0.1.
test.each([
  ['', '', '127.0.0.1', true],
  ['disable', '', '127.0.0.1', false],
  ['allow', '', '127.0.0.1', false],
  ['prefer', 'other', '127.0.0.1', true],
  ['require', '', '127.0.0.1', true],
  ['require', 'other', '127.0.0.1', REFUSED],
  ['require', 'own', 'localhost', true],
  ['verify-ca', 'own', 'localhost', true],
  ['verify-ca', 'other', '127.0.0.1', REFUSED],
  ['verify-full', 'own', '127.0.0.1', true],
  ['verify-full', 'own', 'localhost', REFUSED],
  ['verify-full', '', '127.0.0.1', REFUSED],
  ['', 'system', '127.0.0.1', REFUSED],
  ['verify-full', 'system', '127.0.0.1', REFUSED],
])('PGSSLMODE "%s" with the root "%s", to %s', async (mode, root, host, outcome) => {
  expect(await connect(mode, root, host)).toEqual(outcome);
});

test('under "allow" a server that refuses an unencrypted connection gets an encrypted one', async () => {
  const database = 'encrypted';
  expect(await connect('allow', '', '127.0.0.1', { database })).toBe(true);
  expect(await connect('disable', '', '127.0.0.1', { database })).toMatch(/rejects connection/);
});

test('under "prefer" a server that refuses an encrypted connection gets an unencrypted one', async () => {
  expect(await connect('prefer', '', '127.0.0.1', { database: 'plain' })).toBe(false);
  expect(await connect('require', '', '127.0.0.1', { database: 'plain' })).toMatch(/rejects connection/);
});

test.each([
  ['allow', ['encrypted', 'plain', 'postgres', 'encrypted'], [true, false, false, true]],
  ['prefer', ['plain', 'encrypted', 'postgres', 'plain'], [false, true, true, false]],
])('under "%s" each connection is encrypted or not by itself', async (mode, databases, encrypted) => {
  const connectTo = connector(mode, '', '127.0.0.1');
  const found: unknown[] = [];
  for (const database of databases) found.push(await connectTo(database));
  expect(found).toEqual(encrypted);
});

test('under "prefer" a server that begins to offer TLS gets encrypted connections from then on', async () => {
  const connectTo = connector('prefer', '', '127.0.0.1');
  try {
    await serveTls('off');
    expect(await connectTo('postgres')).toBe(false);
  } finally {
    await serveTls('on');
  }
  expect(await connectTo('encrypted')).toBe(true);
});

test.each([
  ['allow', 'no encryption'],
  ['prefer', 'SSL encryption'],
])('under "%s" the first refusal is told if there are two', async (mode, how) => {
  expect(await connect(mode, '', '127.0.0.1', { database: 'closed' })).toMatch(
    new RegExp(`pg_hba\\.conf rejects connection .*, ${how} — `),
  );
});

test('"verify-ca" without a CA’s certificate is refused, as by libpq', async () => {
  await expect(async () => connect('verify-ca', '', '127.0.0.1')).rejects.toThrow(
    'PGSSLMODE: "verify-ca" needs the certificate of a CA — set PGSSLROOTCERT to the CA’s certificate file',
  );
});

test.each([
  ['require', 'own', true],
  ['require', 'other', REFUSED],
  ['verify-ca', 'own', true],
  ['verify-ca', 'other', REFUSED],
  ['verify-full', 'own', true],
])('PGSSLMODE "%s" with the root "%s" in the home directory', async (mode, root, outcome) => {
  const home = join(scratch.path, `home-${mode}-${root}`);
  mkdirSync(join(home, '.postgresql'), { recursive: true });
  copyFileSync(roots[root]!, join(home, '.postgresql', 'root.crt'));
  expect(await connect(mode, '', '127.0.0.1', { home })).toEqual(outcome);
});

test.each(['disable', 'prefer', 'require', 'verify-ca'])(
  'with the authorities of the system PGSSLMODE "%s" is refused, as by libpq',
  async (mode) => {
    await expect(async () => connect(mode, 'system', '127.0.0.1')).rejects.toThrow(
      `PGSSLMODE: "${mode}" is not accepted with PGSSLROOTCERT=system — use verify-full`,
    );
  },
);

test.each(['127.0.0.1', '/tmp'])(
  'a PGSSLMODE that libpq does not know is refused, also for %s',
  async (host) => {
    await expect(async () => connect('always', '', host)).rejects.toThrow(
      'PGSSLMODE: "always" is not accepted — use disable, allow, prefer, require, verify-ca or verify-full',
    );
  },
);

test('pg_dump is as strict as the tool itself', async () => {
  const store = await startS3Server({ directory: join(scratch.path, 's3') });
  const env = {
    ...server.env,
    ...storeEnv(store),
    POSTGRES_DB: 'postgres',
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: roots.own!,
  };
  const backup = await runProgram(['backup', '--quiet'], env);
  await store.close();
  expect(backup).toMatchObject({ status: 0, stderr: '' });
});
