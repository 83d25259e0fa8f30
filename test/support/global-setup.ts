import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';
import { scratchDirectory } from './scratch-directory.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The PostgreSQL of this run: the variables that the tool reads. */
    readonly postgres: Readonly<Record<string, string>>;
    /** Its major version, such as 15. */
    readonly postgresMajor: number;
  }
}

/**
 * One PostgreSQL for the whole run; each test file makes databases of its own. After a signal vitest exits without
 * teardown; the server's guard then does what is left.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = scratchDirectory('test');
  try {
    const server = await startPostgres({ directory: directory.path });
    project.provide('postgres', server.env);
    project.provide('postgresMajor', server.version);
    // Workers inherit it: whatever a test that is interrupted leaves behind lies in there, and goes with it.
    process.env.TMPDIR = directory.path;
    return async () => {
      await server.stop();
      directory.remove();
    };
  } catch (error) {
    directory.remove();
    throw error;
  }
}
