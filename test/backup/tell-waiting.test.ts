import { expect, test } from 'vitest';
import { describeLock } from '../../src/backup/tell-waiting.ts';

const BEGUN = new Date('2026-11-23T10:30:00Z');

test.each([
  [
    'late migration',
    'topobank',
    BEGUN,
    ' (late migration, role topobank, in a transaction since 2026-11-23 10:30:00 UTC)',
  ],
  [undefined, 'topobank', undefined, ' (role topobank)'],
  // A process of the server's own has neither.
  [undefined, undefined, undefined, ''],
])('a session %s of role %s is described as far as it is known', (application, role, begun, described) => {
  const session = { pid: 4711, role, application, begun, prepared: undefined };
  expect(describeLock({ relation: 'surface', ...session, byRecovery: false })).toBe(
    `pg_dump is waiting for a lock on surface, which session 4711${described} holds or is queued for; ` +
      'to end that session: SELECT pg_terminate_backend(4711);',
  );
});
