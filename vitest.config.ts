import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need a Docker engine: npm run test:container.
    exclude: ['test/container/**'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/conformance/lacks-reporter.ts'],
    // The SDK's notice that Node 20 comes to its end says nothing about a test.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    pool: 'forks',
    maxWorkers: 2,
    // In CI the machine is shared and a change lands or not by one run.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
