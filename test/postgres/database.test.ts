import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { findPassword } from '../../src/postgres/password-file.ts';
import { withClient } from '../support/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const never = new AbortController().signal;

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

function open(settings: Readonly<Record<string, string>> = {}, env: NodeJS.ProcessEnv = {}): Database {
  return openDatabase(readConfig({ env: { ...bed.env, ...settings }, flags: {} }, ['database']), env);
}

/** A server that takes connections and says nothing, as behind some firewalls. */
async function withSilentServer<T>(work: (port: string, connected: Promise<void>) => Promise<T>): Promise<T> {
  const server = createServer();
  const connected = new Promise<void>((resolve) => server.once('connection', () => resolve()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.on('connection', (socket) => socket.on('error', () => {}));
  try {
    return await work(String((server.address() as AddressInfo).port), connected);
  } finally {
    server.close();
  }
}

test('a connection that does not come about can be stopped at any moment', async () => {
  await withSilentServer(async (port, connected) => {
    const stop = new AbortController();
    const using = open({ POSTGRES_PORT: port }).use('any', stop.signal, async () => 'never');
    await connected;
    stop.abort(new Error('stopped'));
    await expect(using).rejects.toThrow('stopped');
  });
});

test('a server that does not answer is given up after PGCONNECT_TIMEOUT', async () => {
  await withSilentServer(async (port) => {
    const database = open({ POSTGRES_PORT: port }, { PGCONNECT_TIMEOUT: '1' });
    await expect(database.use('any', new AbortController().signal, async () => 'never')).rejects.toThrow(
      `cannot connect to database any on 127.0.0.1:${port} as topobank: timeout expired — check POSTGRES_HOST, POSTGRES_PORT and the firewall, or raise PGCONNECT_TIMEOUT`,
    );
  });
});

test('neither end waits for hours for another that is gone without a word', async () => {
  await open().use(bed.database.name, never, async (client) => {
    const { rows } = await client.query<{ setting: string }>(
      "SELECT setting FROM pg_settings WHERE name LIKE 'tcp_keepalives_%' ORDER BY name",
    );
    expect(rows.map(({ setting }) => setting)).toEqual(['6', '60', '10']);

    const { connection } = client as unknown as { connection: { stream: Socket } };
    expect(await secondsToKeepalive(connection.stream.localPort ?? 0)).toBeLessThanOrEqual(300);
  });
});

test.each([
  ['::1', '[::1]:5432'],
  ['[fe80::1%eth0]', '[fe80::1%eth0]:5432'],
  ['/run/a:b', '/run/a:b:5432'],
  ['db_1', 'db_1:5432'],
])('messages name the server %s as %s', (host, shown) => {
  expect(open({ POSTGRES_HOST: host, POSTGRES_PORT: '5432' }).server).toBe(shown);
});

/** As Linux tells it of the socket with this port, which has nothing to send. */
async function secondsToKeepalive(port: number): Promise<number> {
  const at = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = (await readFile('/proc/self/net/tcp', 'utf8')).split('\n');
  // Of the columns, the second is the local address, the fourth the state (01 for established: an earlier connection
  // may have had the same port), and the sixth the timer (2 for keepalive) and its hundredths.
  const timer = sockets
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, , state]) => local?.endsWith(at) && state === '01')?.[5];
  expect(timer).toMatch(/^02:/);
  return Number.parseInt(timer?.slice(3) ?? '', 16) / 100;
}

test('what answers on another port is said to be no PostgreSQL', async () => {
  const { port } = new URL(bed.server.endpoint);
  const database = open({ POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: port });
  await expect(database.use('any', new AbortController().signal, async () => 'never')).rejects.toThrow(
    /^cannot connect to database any .* — check POSTGRES_PORT: the server there is not PostgreSQL$/,
  );
});

test('a query that runs is broken off, and the server’s session ends', async () => {
  const stop = new AbortController();
  const application = `stopped ${bed.database.name}`;
  const sessions = () =>
    bed.database.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [application]);
  const using = open().use(bed.database.name, stop.signal, async (client) => {
    await client.query(`SET application_name = '${application}'`);
    // The server notices at its next word that nobody listens.
    await client.query(
      `DO $$ BEGIN LOOP PERFORM pg_sleep(0.01); RAISE NOTICE 'still here'; END LOOP; END $$`,
    );
  });
  await expect.poll(sessions, { timeout: 30_000 }).toHaveLength(1);
  stop.abort(new Error('stopped'));
  await expect(using).rejects.toThrow('stopped');
  await expect.poll(sessions, { timeout: 30_000 }).toEqual([]);
});

test('a signal that was aborted before makes no connection', async () => {
  const used = open().use(bed.database.name, AbortSignal.abort(new Error('stopped')), async () => 'never');
  await expect(used).rejects.toThrow('stopped');
});

test('what a role has set for its application does not hold; PGOPTIONS does', async () => {
  const role = `${bed.database.name}_hasty`;
  await withClient(bed.env, 'postgres', (client) =>
    client.query(`
      CREATE ROLE "${role}" LOGIN PASSWORD 'x';
      ALTER ROLE "${role}" SET statement_timeout = '1s';
      ALTER ROLE "${role}" SET lock_timeout = '1s';
      ALTER ROLE "${role}" SET idle_in_transaction_session_timeout = '1s';
      ALTER ROLE "${role}" SET "DateStyle" = 'German, DMY'`),
  );
  const database = open({ POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' }, { PGOPTIONS: '-c work_mem=3MB' });
  const settings = await database.use(bed.database.name, new AbortController().signal, async (client) => {
    const { rows } = await client.query<{ name: string; value: string }>(
      `SELECT name, current_setting(name) AS value FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'work_mem']) name`,
    );
    const { rows: times } = await client.query<{ now: Date }>('SELECT now()');
    return { ...Object.fromEntries(rows.map(({ name, value }) => [name, value])), now: times[0]!.now };
  });
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP ROLE "${role}"`));
  expect(settings).toEqual({
    statement_timeout: '0',
    lock_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    work_mem: '3MB',
    now: expect.any(Date),
  });
});

test('a limit in which hardly a statement can run keeps no command from its work', async () => {
  const role = `${bed.database.name}_at_once`;
  await withClient(bed.env, 'postgres', (client) =>
    client.query(`
      CREATE ROLE "${role}" LOGIN PASSWORD 'x';
      ALTER ROLE "${role}" SET statement_timeout = '1ms'`),
  );
  const doctor = await bed.run(['doctor', '--json'], { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP ROLE "${role}"`));
  expect(JSON.parse(doctor.stdout)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ check: 'database: connect', state: 'ok' }),
      expect.objectContaining({ check: 'database: maintenance', state: 'ok' }),
    ]),
  );
});

test('a database that refuses connections is named with the statement that has it accept them again', async () => {
  const name = `${bed.database.name} "shut"`;
  const quoted = `"${name.replaceAll('"', '""')}"`;
  await withClient(bed.env, 'postgres', async (client) => {
    await client.query(`CREATE DATABASE ${quoted}`);
    await client.query(`ALTER DATABASE ${quoted} ALLOW_CONNECTIONS false`);
  });
  const message = await open()
    .use(name, new AbortController().signal, async () => '')
    .catch((error: Error) => error.message);
  expect(message).toMatch(/: it refuses connections, as after a restore that was killed during the swap — /);
  const [, maintenance, statement] = / — run on database (\S+): (.*)$/.exec(message) ?? [];
  await withClient(bed.env, maintenance!, (client) => client.query(statement!));
  await expect(open().use(name, new AbortController().signal, async () => 'open')).resolves.toBe('open');
  await withClient(bed.env, 'postgres', (client) => client.query(`DROP DATABASE ${quoted}`));
});

test('without a password the file of PGPASSFILE is read, by pg_dump too', async () => {
  const file = join(bed.directory, 'pgpass');
  await writeFile(
    file,
    `${bed.env.POSTGRES_HOST}:*:*:${bed.env.POSTGRES_USER}:${bed.env.POSTGRES_PASSWORD}\n`,
  );
  await chmod(file, 0o600);
  const env = { POSTGRES_PASSWORD: undefined, PGPASSFILE: file };
  expect(await bed.run(['backup', '--quiet'], env)).toMatchObject({ status: 0, stderr: '' });
});

describe('where the server asks for a password and none is set', () => {
  const file = () => join(bed.directory, 'unfit');
  const lineFor = (database: string) => `*:*:${database}:*:x\n`;
  const none =
    /and none is given for this database and user — set POSTGRES_PASSWORD, or add a line for them to/;

  test.each([
    ['a file without a line for the database', lineFor('other'), 0o600, none],
    ['an empty file', '', 0o600, none],
    [
      'a file that others may read',
      lineFor('*'),
      0o640,
      /\/unfit is ignored because group or .* — chmod 600 \//,
    ],
    ['no such file', undefined, 0, /\/unfit does not exist — set POSTGRES_PASSWORD, or set PGPASSFILE/],
  ])('%s is said to be the reason', async (_, text, mode, message) => {
    await rm(file(), { force: true });
    if (text !== undefined) await writeFile(file(), text);
    if (text !== undefined) await chmod(file(), mode);
    const { POSTGRES_PASSWORD: __, ...settings } = bed.env;
    const config = readConfig({ env: settings, flags: {} }, ['database']);
    const using = openDatabase(config, { PGPASSFILE: file() }).use('postgres', never, async () => 'never');
    await expect(using).rejects.toThrow(message);
    await expect(using).rejects.toMatchObject({
      name: 'DatabaseError',
      message: expect.stringMatching(
        /^cannot connect to database postgres .*: the server asks for a password, and /,
      ),
    });
  });
});

test.each([
  ['*:*:*:*:secret', 'secret'],
  ['db:5432:topobank:me:a\\:b\\\\c:d', 'a:b\\c'],
  ['db:*:*:*:x\r\r', 'x'],
  ['db:*:*:*:x\\', 'x\\'],
  ['db:*:*:*::x\n*:*:*:*:other', undefined],
  ['#:*:*:*:comment\r\nother:*:*:*:no\r\ndb:*:*:*:yes\r\n*:*:*:*:late', 'yes'],
  ['db:5432:topobank:m\\e:x', 'x'],
  ['db:5433:*:*:x', undefined],
  ['db:*:*:x', undefined],
  ['db:*:*:*:', undefined],
  ['', undefined],
])('the password file %j has %j for a connection', (text, password) => {
  expect(findPassword(text, { host: 'db', port: 5432, database: 'topobank', user: 'me' })).toBe(password);
});

test('a line for localhost is that for the directory of the socket', () => {
  const request = { host: '/var/run/postgresql', port: 5432, database: 'topobank', user: 'me' };
  expect(findPassword('localhost:*:*:*:x', request)).toBe('x');
  expect(findPassword('/var/run/postgresql:*:*:*:x', request)).toBe('x');
  expect(findPassword('localhost:*:*:*:x', { ...request, host: '/run/elsewhere' })).toBeUndefined();
});

test.each([
  ['PGHOSTADDR', '127.0.0.9'],
  ['PGSERVICE', 'elsewhere'],
])('pg_dump asks the server of the settings, whatever %s says', async (name, value) => {
  const backup = await bed.run(['backup', '--quiet'], { [name]: value, PGCONNECT_TIMEOUT: '5' });
  expect(backup).toMatchObject({ status: 0, stderr: '' });
});
