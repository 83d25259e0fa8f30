import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Swift on a busy machine deletes fifteen objects a second. */
const PATIENCE = { testTimeout: 300_000, hookTimeout: 300_000 };

/** The S3 conformance suite alone, which needs no PostgreSQL. */
export default defineConfig({
  test: { ...base.test, include: ['test/conformance/**/*.test.ts'], globalSetup: [], ...PATIENCE },
});
