import { spawn } from 'node:child_process';

/** Outlives the process that started it; ends the server whose data it is given when that process is gone. */
export interface ServerGuard {
  /** The server was ended in order: nothing is left to do. */
  dismiss(): Promise<void>;
}

/**
 * A line on stdin dismisses it; the end of stdin means that the other end died, of whatever cause. A server (or
 * initdb's own, whose file holds a negative number) is then shut down immediately, and all files are removed.
 */
const SCRIPT = `
read -r _ && exit 0
tries=0
while [ -e "$1" ] && [ $tries -lt 100 ]; do
  if [ -s "$2/postmaster.pid" ]; then
    kill -QUIT "$(head -n 1 "$2/postmaster.pid" | tr -d -)" 2>/dev/null
    sleep 0.1
  fi
  [ -e "$2/postmaster.pid" ] || rm -rf "$1"
  tries=$((tries + 1))
done
rm -rf "$1"`;

/**
 * A process that dies of a signal, or is ended by its test runner, runs no cleaning up of its own. So a shell waits
 * for its end, and then stops the PostgreSQL of `data` and removes `directory`.
 */
export function guardServer(directory: string, data: string): ServerGuard {
  // In a process group of its own, for Ctrl-C is not meant for it.
  const guard = spawn('sh', ['-c', SCRIPT, 'guard', directory, data], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => guard.once('close', () => resolve()));
  // A guard that somebody killed has nobody to tell.
  guard.stdin.on('error', () => {});
  guard.on('error', () => {});
  guard.unref();
  return {
    dismiss() {
      guard.ref();
      guard.stdin.end('dismissed\n');
      return ended;
    },
  };
}
