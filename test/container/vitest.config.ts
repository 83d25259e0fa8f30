import { defineConfig } from 'vitest/config';

/** Tests of the image with a Docker engine; `npm run test:container`. */
export default defineConfig({
  test: {
    include: ['test/container/**/*.test.ts'],
    globalSetup: ['test/container/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // In CI the machine is shared and a change lands or not by one run.
    retry: process.env.CI ? 1 : 0,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // The engine is ended in order.
    teardownTimeout: 120_000,
  },
});
