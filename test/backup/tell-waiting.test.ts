import { expect, test } from 'vitest';
import { describeLock } from '../../src/backup/tell-waiting.ts';

test.each([
  ['late migration', 'topobank', ' (late migration, role topobank)'],
  [undefined, 'topobank', ' (role topobank)'],
  // A process of the server's own has neither.
  [undefined, undefined, ''],
])('a session %s of role %s is described as far as it is known', (application, role, described) => {
  expect(describeLock({ relation: 'surface', pid: 4711, role, application, byRecovery: false })).toBe(
    `pg_dump is waiting for a lock on surface, which session 4711${described} holds or is queued for; ` +
      'to end that session: SELECT pg_terminate_backend(4711);',
  );
});
