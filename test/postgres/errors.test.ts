import { expect, inject, test } from 'vitest';
import { describeCause } from '../../src/postgres/errors.ts';
import { isAway } from '../../src/postgres/server-away.ts';
import { withClient } from '../support/database.ts';

test('a query over a connection that has ended is told as one that ends with it', async () => {
  const told = await withClient(inject('postgres'), 'postgres', async (client) => {
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    const failure = (sql: string) => client.query(sql).catch((error: unknown) => error);
    await failure('SELECT pg_terminate_backend(pg_backend_pid())');
    await ended;
    const after = await failure('SELECT');
    return [describeCause(after), isAway(after)];
  });
  expect(told).toEqual(['Connection terminated', true]);
});
