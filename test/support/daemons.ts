import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { guardProcesses } from './server-guard.ts';

/** So many last lines of each log are shown. */
const SHOWN_LINES = 30;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The processes of one server, which live and end together. Their data is thrown away, so they are simply killed. */
export interface Daemons {
  /** Starts a program that stays in the foreground; what it prints goes to `<name>.log` in the directory. */
  start(name: string, program: string, args: readonly string[], env?: Readonly<Record<string, string>>): void;
  /**
   * Asks again and again until `isReady` says so.
   *
   * @throws Error with the ends of all logs when a process ends or the time is up; the signal's reason
   */
  untilReady(
    isReady: () => Promise<boolean>,
    limitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void>;
  /** The last lines of each process's output. */
  logs(): string;
  /** Kills all, the last one first, and waits for their ends. May be called twice. */
  stop(): Promise<void>;
}

interface Daemon {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  readonly log: string;
}

/**
 * @param directory takes the logs; it is removed should this process die before `stop`
 * @param owner whom the processes belong to; this process's own user without it
 */
export function createDaemons(directory: string, owner?: Owner): Daemons {
  const guard = guardProcesses(directory);
  const daemons: Daemon[] = [];

  function logs(): string {
    return daemons
      .map(({ name, log }) => {
        const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-SHOWN_LINES);
        return `--- ${name}.log\n${lines.join('\n')}`;
      })
      .join('\n');
  }

  return {
    logs,

    start(name, program, args, env) {
      const log = join(directory, `${name}.log`);
      const output = openSync(log, 'a');
      // In a process group of its own: Ctrl-C goes to us, and we end it in our order.
      const child = spawn(program, args, {
        ...owner,
        cwd: '/',
        detached: true,
        env: { PATH: process.env.PATH, ...env },
        stdio: ['ignore', output, output],
      });
      closeSync(output);
      if (child.pid !== undefined) guard.watch(child.pid);
      const ended = new Promise<void>((resolve) => {
        child.once('error', () => resolve());
        child.once('close', () => resolve());
      });
      daemons.push({ name, child, ended, log });
    },

    async untilReady(isReady, limitMs, signal) {
      const deadline = performance.now() + limitMs;
      for (;;) {
        signal?.throwIfAborted();
        for (const { name, child } of daemons) {
          if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
            throw new Error(`${name} ended while the server was being started\n${logs()}`);
          }
        }
        if (await isReady()) return;
        if (performance.now() > deadline) {
          throw new Error(`the server did not come up within ${limitMs / 1000} s\n${logs()}`);
        }
        await delay(100);
      }
    },

    async stop() {
      for (const { child, ended } of daemons.splice(0).reverse()) {
        killGroup(child);
        await ended;
      }
      await guard.dismiss();
    },
  };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
