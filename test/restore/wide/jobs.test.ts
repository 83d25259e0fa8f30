import { expect, inject, test } from 'vitest';
import { chooseJobs, freeConnections, type JobsChoice } from '../../../src/restore/wide/jobs.ts';
import { withClient } from '../../support/database.ts';

const MIB = 1024 ** 2;
const choice: JobsChoice = { asked: undefined, cores: 2, free: 90, bytes: 100 * MIB };

const CHOICES: readonly [about: string, choice: Partial<JobsChoice>, jobs: number][] = [
  ['every core', {}, 2],
  ['no more than four', { cores: 64 }, 4],
  ['what the server grants', { cores: 64, free: 3 }, 3],
  ['one where the server grants none: connecting says why', { free: 0 }, 1],
  ['one where more are in use than the role may have', { free: -2 }, 1],
  ['one for few rows', { bytes: 8 * MIB - 1 }, 1],
  ['every core for more', { bytes: 8 * MIB }, 2],
  ['one on one core', { cores: 1 }, 1],
  ['as asked for, whatever the cores', { asked: 12 }, 12],
  ['as asked for, whatever the rows', { asked: 3, bytes: 0 }, 3],
  ['as asked for, within what the server grants', { asked: 12, free: 5 }, 5],
  ['one of many where one is asked for', { asked: 1, cores: 64 }, 1],
];

test.each(CHOICES)('%s', (_about, given, jobs) => {
  expect(chooseJobs({ ...choice, ...given })).toBe(jobs);
});

test('sessions of other roles count, also for a role that is not told of them', async () => {
  const postgres = inject('postgres');
  await withClient(postgres, 'postgres', async (client) => {
    const role = `plain_${process.pid}`;
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    try {
      const env = { ...postgres, POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
      await withClient(env, 'postgres', async (plain) => {
        const { rows } = await client.query<{ granted: number }>(
          `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS granted`,
        );
        // This role's own session and the one above.
        expect(await freeConnections(plain)).toBeLessThanOrEqual(rows[0]!.granted - 2);
      });
    } finally {
      await client.query(`DROP ROLE ${role}`);
    }
  });
});

test('a role’s limit is less than what the server grants', async () => {
  const postgres = inject('postgres');
  await withClient(postgres, 'postgres', async (client) => {
    const role = `limited_${process.pid}`;
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x' CONNECTION LIMIT 3`);
    try {
      const env = { ...postgres, POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
      await withClient(env, 'postgres', async (limited) => {
        expect(await freeConnections(limited)).toBe(2);
      });
    } finally {
      await client.query(`DROP ROLE ${role}`);
    }
  });
});
