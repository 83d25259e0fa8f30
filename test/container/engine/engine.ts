import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requirePrograms } from '../../support/debian-packages.ts';
import { type Caretaker, hireCaretaker } from './caretaker.ts';
import { type Engine, tryDocker } from './docker.ts';

const START_MS = 60_000;

/** An engine for one run of the tests. */
export interface EngineLease {
  readonly engine: Engine;
  /** It was started for this run, and holds no image; else images come from wherever the engine has them from. */
  readonly own: boolean;
  /** Removes all that the run made; an engine that was started for it is ended. */
  giveBack(): Promise<void>;
}

/** There is no engine and none can be started here; the message says why. */
export class NoEngine extends Error {}

/**
 * The engine that answers, else one of our own, from Debian's packages.
 *
 * @param directory takes what the run writes, the data of an engine of our own too; removed in the end
 * @throws NoEngine
 */
export async function leaseEngine(directory: string): Promise<EngineLease> {
  const run = `topobank-backup-test-${randomBytes(4).toString('hex')}`;
  const running: Engine = { env: {}, run };
  if (await answers(running)) {
    const caretaker = hireCaretaker(running, directory);
    return { engine: running, own: false, giveBack: caretaker.tidyUp };
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new NoEngine('no Docker engine answers, and only root on Linux can start one');
  }
  const engine: Engine = { env: { DOCKER_HOST: `unix://${directory}/docker.sock` }, run };
  try {
    requirePrograms(
      'Docker',
      ['dockerd', 'docker-compose', 'debootstrap', 'ip'],
      ['docker.io', 'docker-compose', 'debootstrap', 'iproute2'],
    );
  } catch (error) {
    throw new NoEngine(messageOf(error));
  }
  const caretaker = hireCaretaker(engine, directory);
  try {
    await startDockerd(engine, directory, caretaker);
    return { engine, own: true, giveBack: caretaker.tidyUp };
  } catch (error) {
    await caretaker.tidyUp();
    throw new NoEngine(messageOf(error));
  }
}

async function startDockerd(engine: Engine, directory: string, caretaker: Caretaker): Promise<void> {
  const log = join(directory, 'dockerd.log');
  const output = openSync(log, 'a');
  const args = [
    `--host=${engine.env.DOCKER_HOST}`,
    `--data-root=${join(directory, 'docker')}`,
    `--exec-root=${join(directory, 'exec')}`,
    `--pidfile=${join(directory, 'docker.pid')}`,
  ];
  // In a process group of its own: Ctrl-C goes to us, and the caretaker ends it in order.
  const daemon = spawn('dockerd', args, { cwd: '/', detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  daemon.on('error', () => {});
  daemon.unref();
  if (daemon.pid !== undefined) caretaker.watch(daemon.pid);
  const deadline = performance.now() + START_MS;
  while (!(await answers(engine))) {
    if (daemon.pid === undefined || daemon.exitCode !== null || performance.now() > deadline) {
      throw new Error(`dockerd did not start:\n${readFileSync(log, 'utf8').slice(-4_000)}`);
    }
    await delay(100);
  }
}

async function answers(engine: Engine): Promise<boolean> {
  try {
    return (await tryDocker(engine, ['info', '--format', '{{.ServerVersion}}'])).status === 0;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
