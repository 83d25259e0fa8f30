// Loaded into the tool's process with --import: tells on file descriptor 3, as JSON, what the process has used.
import { readFileSync, writeSync } from 'node:fs';

/**
 * Linux keeps `ru_maxrss` across exec, so there it is never less than what the parent had at the fork; VmHWM is the
 * program's own (proc_pid_status(5)). Other systems have no such file.
 */
function peakBytes() {
  try {
    const kib = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  writeSync(3, JSON.stringify({ cpuMs: (user + system) / 1000, peakBytes: peakBytes() }));
});
