import { expect, test } from 'vitest';
import { judgeLimits } from '../../src/doctor/connection-limits.ts';

const FREE = { limit: null, taken: 50 };
const database = { name: 'topobank', maintenanceName: 'postgres', user: 'topobank' };

test.each([
  [FREE, FREE, undefined],
  [{ limit: 4, taken: 0 }, { limit: 3, taken: 0 }, undefined],
  [{ limit: 10, taken: 6 }, FREE, undefined],
  [{ limit: 2, taken: 0 }, FREE, { state: 'fault' }],
  [
    { limit: 10, taken: 7 },
    FREE,
    {
      state: 'warning',
      detail: 'the role may have 10 connections at once, and a backup takes 4, while 7 others are open now',
      remedy: 'ALTER ROLE "topobank" CONNECTION LIMIT 11 or more, or -1 for no limit',
    },
  ],
  [FREE, { limit: 0, taken: 0 }, { state: 'fault' }],
  [FREE, { limit: 2, taken: 0 }, { state: 'warning' }],
])('a role with %j on a database with %j', (role, ofDatabase, found) => {
  const judged = judgeLimits({ role, database: ofDatabase }, database);
  if (found === undefined) expect(judged).toBe('the 4 connections that a backup takes at once are allowed');
  else expect(judged).toMatchObject(found);
});

test('a database that serves for maintenance too holds the lock as well', () => {
  const limits = { role: FREE, database: { limit: 3, taken: 0 } };
  expect(judgeLimits(limits, { ...database, maintenanceName: 'topobank' })).toMatchObject({
    state: 'warning',
  });
});
