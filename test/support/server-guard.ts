import { spawn } from 'node:child_process';

/**
 * A shell that outlives the process that started it, and ends the servers it is told of when that process is gone: a
 * process that dies of a signal, or is ended by its test runner, runs no cleaning up of its own.
 */
export interface ServerGuard {
  /** The servers were ended in order: nothing is left to do. */
  dismiss(): Promise<void>;
}

/**
 * A line on stdin dismisses it; the end of stdin means that the other end died, of whatever cause. A server (or
 * initdb's own, whose file holds a negative number) is then shut down immediately, and all files are removed.
 */
const POSTGRES_SCRIPT = `
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

/** Numbers on stdin name process groups; they are killed at the end of stdin unless another word came before it. */
const PROCESSES_SCRIPT = `
groups=
while read -r line; do
  case $line in
    [0-9]*) groups="$groups $line" ;;
    *) exit 0 ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
tries=0
while [ -e "$1" ] && [ $tries -lt 100 ]; do
  rm -rf "$1" 2>/dev/null || sleep 0.1
  tries=$((tries + 1))
done`;

/** Stops the PostgreSQL of `data` and removes `directory`, should this process die. */
export function guardPostgres(directory: string, data: string): ServerGuard {
  return startGuard(POSTGRES_SCRIPT, directory, data);
}

/** Kills the processes that it is told of, each with its group, and removes `directory`, should this process die. */
export function guardProcesses(directory: string): ServerGuard & { watch(processGroup: number): void } {
  const { tell, dismiss } = startGuard(PROCESSES_SCRIPT, directory);
  return { dismiss, watch: (processGroup) => tell(String(processGroup)) };
}

function startGuard(script: string, ...args: string[]): ServerGuard & { tell(line: string): void } {
  // In a process group of its own, for Ctrl-C is not meant for it.
  const guard = spawn('sh', ['-c', script, 'guard', ...args], {
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
    tell: (line) => guard.stdin.write(`${line}\n`),
    dismiss() {
      guard.ref();
      guard.stdin.end('dismissed\n');
      return ended;
    },
  };
}
