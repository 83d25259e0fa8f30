import { expect, test } from 'vitest';
import { judgeLimits } from '../../src/doctor/connection-limits.ts';

const FREE = { limit: null, taken: 50 };
const server = { limit: 97, taken: 50, max: 100, reserved: 0 };
const database = { name: 'topobank', maintenanceName: 'postgres', user: 'topobank' };

test.each([
  [FREE, FREE, undefined],
  [{ limit: 4, taken: 0 }, { limit: 3, taken: 0 }, undefined],
  [{ limit: 10, taken: 6 }, FREE, undefined],
  [{ limit: 2, taken: 0 }, FREE, { state: 'fault' }],
  [
    { limit: 3, taken: 0 },
    FREE,
    {
      state: 'fault',
      detail: 'the role may have 3 connections at once, but a backup needs 4, or 3 with MEDIA_MANIFEST=off',
    },
  ],
  [
    { limit: 10, taken: 7 },
    FREE,
    {
      state: 'warning',
      detail: 'the role may have 10 connections at once, but a backup needs 4, while 7 others are open now',
      remedy: 'ALTER ROLE "topobank" CONNECTION LIMIT 11 or more, or -1 for no limit',
    },
  ],
  [FREE, { limit: 0, taken: 0 }, { state: 'fault' }],
  [FREE, { limit: 2, taken: 0 }, { state: 'fault' }],
])('a role with %j on a database with %j', (role, ofDatabase, found) => {
  const judged = judgeLimits({ role, database: ofDatabase, server }, database, true);
  if (found === undefined)
    expect(judged).toBe('the 4 concurrent connections that a backup needs are allowed');
  else expect(judged).toMatchObject(found);
});

test('a database that serves for maintenance too holds the lock as well', () => {
  const limits = { role: FREE, database: { limit: 3, taken: 0 }, server };
  expect(judgeLimits(limits, { ...database, maintenanceName: 'topobank' }, true)).toMatchObject({
    state: 'fault',
  });
});

test.each([
  [{ limit: 3, taken: 0 }, { limit: 2, taken: 0 }, undefined],
  [
    { limit: 2, taken: 0 },
    FREE,
    { state: 'fault', detail: 'the role may have 2 connections at once, but a backup needs 3' },
  ],
  [
    { limit: 3, taken: 1 },
    FREE,
    {
      state: 'warning',
      detail: 'the role may have 3 connections at once, but a backup needs 3, while 1 other is open now',
    },
  ],
  [FREE, { limit: 1, taken: 0 }, { state: 'fault' }],
])('without a list of media, a role with %j on a database with %j', (role, ofDatabase, found) => {
  const judged = judgeLimits({ role, database: ofDatabase, server }, database, false);
  if (found === undefined)
    expect(judged).toBe('the 3 concurrent connections that a backup needs are allowed');
  else expect(judged).toMatchObject(found);
});

const NONE_LEFT = { state: 'warning', remedy: 'raise max_connections to 101 or more' };

test.each([
  [{ limit: 97, taken: 93, reserved: 0 }, undefined],
  [
    { limit: 97, taken: 94, reserved: 0 },
    {
      ...NONE_LEFT,
      detail:
        'this role and others may together have 97 connections at once, but a backup needs 4, while 94 others are open now',
    },
  ],
  [
    { limit: 92, taken: 89, reserved: 5 },
    {
      ...NONE_LEFT,
      remedy: `${NONE_LEFT.remedy}, or GRANT pg_use_reserved_connections TO "topobank" WITH INHERIT TRUE`,
    },
  ],
  [{ limit: 92, taken: 96, reserved: 5 }, { remedy: 'raise max_connections to 108 or more' }],
  [
    { limit: 2, taken: 0, reserved: 95 },
    {
      state: 'fault',
      remedy:
        'raise max_connections to 102 or more, or GRANT pg_use_reserved_connections TO "topobank" WITH INHERIT TRUE',
    },
  ],
])('a server with %j', (ofServer, found) => {
  const judged = judgeLimits(
    { role: FREE, database: FREE, server: { max: 100, ...ofServer } },
    database,
    true,
  );
  if (found === undefined) expect(judged).toMatch(/ are allowed$/);
  else expect(judged).toMatchObject(found);
});
