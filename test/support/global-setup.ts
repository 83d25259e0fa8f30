import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';
import { scratchDirectory } from './scratch-directory.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The PostgreSQL of this run: the variables that the tool reads. */
    readonly postgres: Readonly<Record<string, string>>;
  }
}

/** One PostgreSQL for the whole run; each test file makes databases of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = scratchDirectory('test');
  const stopped = new AbortController();
  const starting = startPostgres({ directory: directory.path, signal: stopped.signal });
  const remove = async () => {
    const server = await starting.catch(() => undefined);
    await server?.stop();
    directory.remove();
  };
  for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(signal, () => {
      stopped.abort(new Error(`received ${signal}`));
      remove().finally(() => process.exit(status));
    });
  }
  try {
    project.provide('postgres', (await starting).env);
  } catch (error) {
    directory.remove();
    throw error;
  }
  return remove;
}
