import { expect, test } from 'vitest';
import { holderName } from '../../src/commands/lock-holder.ts';

test.each([
  ['backup', 'web1', 4711, 'topobank-backup backup on web1, process 4711'],
  // As many characters as PostgreSQL keeps; the largest process id of Linux.
  [
    'quarantine',
    'a-host-with-a-long-name.example.org',
    4_194_304,
    'topobank-backup quarantine on a-host-with-a-lo, process 4194304',
  ],
])('a run of %s on %s in process %i is named whole', (command, host, pid, name) => {
  expect(holderName(command, host, pid)).toBe(name);
  expect(name.length).toBeLessThanOrEqual(63);
});
