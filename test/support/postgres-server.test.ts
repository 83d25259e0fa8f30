import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withClient } from './database.ts';
import { startPostgres } from './postgres-server.ts';
import { scratchDirectory } from './scratch-directory.ts';

const MODULE = fileURLToPath(new URL('./postgres-server.ts', import.meta.url));

let directory: ReturnType<typeof scratchDirectory>;

beforeEach(() => {
  directory = scratchDirectory('server');
});

afterEach(() => directory.remove());

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test('it takes the right password only, stores UTF-8, and is gone after stop', async () => {
  const server = await startPostgres({ directory: directory.path });
  const select = (env: Record<string, string>) =>
    withClient(env, 'postgres', async (client) => (await client.query('SHOW server_encoding')).rows);
  expect(await select(server.env)).toEqual([{ server_encoding: 'UTF8' }]);
  await expect(select({ ...server.env, POSTGRES_PASSWORD: 'wrong' })).rejects.toThrow(/password/);
  await server.stop();
  await server.stop();
  expect(await isListening(server.port)).toBe(false);
});

test('a start that is aborted leaves no server behind', async () => {
  const reason = new Error('enough');
  await expect(startPostgres({ directory: directory.path, signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
  expect(existsSync(`${directory.path}/postgres/postmaster.pid`)).toBe(false);
});

test('it ends, and its directory with it, when the process that started it is killed', async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(MODULE)};
    const server = await startPostgres({ directory: ${JSON.stringify(directory.path)} });
    process.stdout.write(String(server.port));
    setInterval(() => {}, 60_000);`;
  const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(starter.stdout, 'data')) as [Buffer];
  expect(await isListening(Number(port))).toBe(true);
  starter.kill('SIGKILL');
  await vi.waitFor(async () => {
    expect(await isListening(Number(port))).toBe(false);
    expect(existsSync(directory.path)).toBe(false);
  }, 30_000);
});
