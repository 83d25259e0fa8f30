import { spawn } from 'node:child_process';
import { dockerClient, type Engine } from './docker.ts';

/**
 * Waits for the end of stdin, then removes containers, networks, volumes and images whose names begin with `run`. A
 * number on stdin was the process of an engine of our own: it is ended too, with its directory, its bridge and its
 * rules in iptables, which it leaves behind otherwise.
 */
const SCRIPT = `
docker=$1 run=$2 directory=$3
forward=$(iptables -S FORWARD 2>/dev/null | head -n 1)
ip_forward=$(cat /proc/sys/net/ipv4/ip_forward)
pid=
while read -r line; do pid=$line; done

remove() { xargs --no-run-if-empty "$docker" "$@"; }
"$docker" ps --all --quiet --filter "name=$run" | remove rm --force --volumes
"$docker" network ls --quiet --filter "name=$run" | remove network rm
"$docker" volume ls --quiet --filter "name=$run" | remove volume rm
"$docker" images --format '{{.Repository}}:{{.Tag}}' --filter "reference=$run*" | remove rmi

if [ -n "$pid" ]; then
  kill "$pid"
  tries=0
  while [ -e "/proc/$pid" ] && [ $tries -lt 600 ]; do sleep 0.1; tries=$((tries + 1)); done
  ip link delete docker0
  iptables-save | grep -vi docker | iptables-restore
  iptables $forward
  echo "$ip_forward" > /proc/sys/net/ipv4/ip_forward
fi
# debootstrap and the engine mount things below it.
awk -v below="$directory/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | xargs --no-run-if-empty umount
rm -rf --one-file-system "$directory"`;

/** Tidies up after a run, whatever ends the run: also a signal that leaves this process no time. */
export interface Caretaker {
  /** An engine was started for the run. */
  watch(pid: number): void;
  /** Removes everything and returns when it is gone. */
  tidyUp(): Promise<void>;
}

/** @param directory is removed in the end */
export function hireCaretaker(engine: Engine, directory: string): Caretaker {
  // In a process group of its own, for Ctrl-C is not meant for it.
  const shell = spawn('sh', ['-c', SCRIPT, 'caretaker', dockerClient(), engine.run, directory], {
    cwd: '/',
    detached: true,
    env: { ...process.env, ...engine.env },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  // One that somebody killed has nobody to tell.
  shell.stdin.on('error', () => {});
  shell.on('error', () => {});
  shell.unref();
  return {
    watch: (pid) => shell.stdin.write(`${pid}\n`),
    tidyUp() {
      shell.ref();
      shell.stdin.end();
      return ended;
    },
  };
}
