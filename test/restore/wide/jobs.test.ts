import { expect, test } from 'vitest';
import { chooseJobs } from '../../../src/restore/wide/jobs.ts';

const GiB = 1024 ** 3;

test.each([
  ['the cores of a small machine', { asked: undefined, cores: 2, free: 50, bytes: GiB }, 2],
  ['four at most', { asked: undefined, cores: 32, free: 50, bytes: GiB }, 4],
  ['what the server has free', { asked: undefined, cores: 8, free: 3, bytes: GiB }, 3],
  [
    'one where nothing is free, so that the server’s own refusal is seen',
    { asked: undefined, cores: 8, free: -2, bytes: GiB },
    1,
  ],
  ['one for little', { asked: undefined, cores: 8, free: 50, bytes: 1e6 }, 1],
  ['what is asked for', { asked: 16, cores: 2, free: 50, bytes: 1e6 }, 16],
  ['no more than there are, even if more is asked for', { asked: 16, cores: 2, free: 5, bytes: GiB }, 5],
])('%s', (_, choice, jobs) => {
  expect(chooseJobs(choice)).toBe(jobs);
});
