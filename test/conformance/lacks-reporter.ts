import type { Reporter, TestModule } from 'vitest/node';

/** Tells at the end of a run what the server under test was found to lack. */
export default class LacksReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lacks = modules
      .filter(({ moduleId }) => moduleId.includes('/test/conformance/'))
      .flatMap((module) => [...module.children.allTests('passed')])
      .flatMap((test) => test.meta().lacks ?? []);
    const server = process.env.TEST_S3_SERVER_NAME ?? process.env.TEST_S3_ENDPOINT ?? 'the test server';
    if (lacks.length > 0) console.log(`\nS3 conformance: ${server} lacks ${lacks.join(', ')}`);
  }
}
