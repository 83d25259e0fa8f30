import type { StartProgress } from '../ui/progress.ts';
import type { ServerContext } from './databases/server-context.ts';

/** What it takes to read a dump and to run it on a database. */
export interface LoadContext extends ServerContext {
  readonly startProgress: StartProgress;
}
