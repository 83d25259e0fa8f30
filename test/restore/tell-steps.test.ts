import { expect, test } from 'vitest';
import { tellSteps } from '../../src/restore/load/tell-steps.ts';

test('what runs is named, and of how many it is one as long as more are known', async () => {
  const told: string[] = [];
  const steps = tellSteps('indexes', (step) => told.push(step));
  await steps.run('first', async () => {});
  steps.expect(5);
  const ends: (() => void)[] = [];
  const names = ['a', 'b', undefined, 'c', 'd'];
  const all = names.map((name) => steps.run(name, () => new Promise<void>((end) => ends.push(end))));
  for (const end of ends) end();
  await Promise.all(all);
  await steps.run('last', async () => {});
  expect(told).toEqual([
    'indexes: 0 done, now first',
    'indexes: 1 done',
    'indexes: 1 of 6 done, now a',
    'indexes: 1 of 6 done, now a, b',
    'indexes: 1 of 6 done, now a, b',
    'indexes: 1 of 6 done, now a, b, c',
    'indexes: 1 of 6 done, now a, b, c and 1 more',
    'indexes: 2 of 6 done, now b, c, d',
    'indexes: 3 of 6 done, now c, d',
    'indexes: 4 of 6 done, now c, d',
    'indexes: 5 of 6 done, now d',
    'indexes: 6 done',
    'indexes: 6 done, now last',
    'indexes: 7 done',
  ]);
});
