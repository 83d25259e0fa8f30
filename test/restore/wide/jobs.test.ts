import { expect, inject, test } from 'vitest';
import { chooseJobs, freeConnections, type JobsChoice, planJobs } from '../../../src/restore/wide/jobs.ts';
import { withClient } from '../../support/database.ts';
import { keepingLog } from '../../support/test-bed.ts';

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
        const { free, isOfRole } = await freeConnections(plain);
        expect(free).toBeLessThanOrEqual(rows[0]!.granted - 2);
        expect(isOfRole).toBe(false);
      });
    } finally {
      await client.query(`DROP ROLE ${role}`);
    }
  });
});

test.each([
  ['', 3, 2, 'the role’s connection limit leaves no more than 2 connections free, so --jobs is 2'],
  ['', 2, 1, 'the role’s connection limit leaves no more than 1 connection free, so --jobs is 1'],
  ['', 1, 0, 'the role’s connection limit leaves no more than 0 connections free, so --jobs is 1'],
  ['SUPERUSER', 2, undefined, undefined],
])('a %s role’s limit of %i leaves %s', async (kind, limit, left, warning) => {
  const postgres = inject('postgres');
  await withClient(postgres, 'postgres', async (client) => {
    const role = `limited_${process.pid}`;
    await client.query(`CREATE ROLE ${role} LOGIN ${kind} PASSWORD 'x' CONNECTION LIMIT ${limit}`);
    try {
      const env = { ...postgres, POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
      await withClient(env, 'postgres', async (limited) => {
        const { free, isOfRole } = await freeConnections(limited);
        expect(isOfRole ? free : undefined).toBe(left);
        const { log, lines } = keepingLog();
        const asked = warning === undefined ? 3 : 4;
        await planJobs(limited, [], { asked, cores: 2 }, log);
        expect(lines).toEqual(warning === undefined ? [] : [`warn: ${warning}`]);
      });
    } finally {
      await client.query(`DROP ROLE ${role}`);
    }
  });
});

test('where the server itself grants no more, that is told', async () => {
  await withClient(inject('postgres'), 'postgres', async (client) => {
    const { log, lines } = keepingLog();
    await planJobs(client, [], { asked: 100_000, cores: 2 }, log);
    expect(lines).toEqual([
      expect.stringMatching(/^warn: the server has no more than \d+ connections free, so --jobs is \d+$/),
    ]);
  });
});
