import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** The S3 conformance suite alone, which needs no PostgreSQL. */
export default defineConfig({
  test: { ...base.test, include: ['test/conformance/**/*.test.ts'], globalSetup: [] },
});
