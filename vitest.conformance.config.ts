import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Swift on a busy machine deletes fifteen objects a second. */
const PATIENCE = { testTimeout: 300_000, hookTimeout: 300_000 };

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
      // The program at work with media: audits, the quarantine and the way back.
      {
        test: {
          ...base.test,
          ...PATIENCE,
          name: 'media',
          env: { ...base.test?.env, TEST_BEDS: 'real' },
          include: [
            'test/audit/{concurrency,eras,order.property}.test.ts',
            'test/media/media-command.test.ts',
            'test/quarantine/{crash,quarantine}.test.ts',
          ],
        },
      },
    ],
  },
});
