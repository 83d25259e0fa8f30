import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Swift on a busy machine deletes fifteen objects a second. */
const PATIENCE = { testTimeout: 300_000, hookTimeout: 300_000 };

/** Where the program is at work on a server, its beds use that one. */
const AT_WORK = { ...base.test, ...PATIENCE, env: { ...base.test?.env, TEST_BEDS: 'real' } };

/** What is run against S3 servers of other makers. */
export default defineConfig({
  test: {
    ...base.test,
    projects: [
      // The S3 API itself, which needs no PostgreSQL.
      {
        test: {
          ...base.test,
          ...PATIENCE,
          name: 's3',
          include: ['test/conformance/**/*.test.ts'],
          globalSetup: [],
        },
      },
      // Audits beside writers, and the quarantine killed at each of its steps.
      {
        test: {
          ...AT_WORK,
          name: 'audit',
          include: ['test/audit/{concurrency,eras,order.property}.test.ts', 'test/quarantine/crash.test.ts'],
        },
      },
      // The commands that move media. The run of .ci has no time for them.
      {
        test: {
          ...AT_WORK,
          name: 'media',
          include: ['test/media/media-command.test.ts', 'test/quarantine/quarantine.test.ts'],
        },
      },
    ],
  },
});
