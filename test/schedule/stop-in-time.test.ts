import { getMaxListeners } from 'node:events';
import { expect, test } from 'vitest';
import { stopInTime } from '../../src/schedule/stop-in-time.ts';
import { keepingLog } from '../support/test-bed.ts';
import { warningsOfListeners } from '../support/warnings-of-listeners.ts';
import { createSimulatedClock } from './simulated-clock.ts';

const context = () => ({ clock: createSimulatedClock('2026-11-23T10:30:00Z'), log: keepingLog().log });

test('what Node says of a signal with many listeners is noticed', async () => {
  const { signal } = new AbortController();
  // Node 24 has no limit for signals.
  const said = getMaxListeners(signal) === 0 ? [] : ['MaxListenersExceededWarning'];
  expect(await warningsOfListeners(signal)).toEqual(said);
});

test('the signal that the work is given may be heard by many', async () => {
  const { signal } = new AbortController();
  expect(await stopInTime('backup', warningsOfListeners, context(), signal)).toEqual([]);
});
