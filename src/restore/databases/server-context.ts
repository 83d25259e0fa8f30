import type { Database } from '../../postgres/database.ts';
import type { Logger } from '../../ui/log.ts';

/** The server that a restore works on, and where it tells what becomes of the databases there. */
export interface ServerContext {
  readonly database: Database;
  readonly log: Logger;
  /** Ends the waiting for a server that is away, even for what no signal interrupts: the program is about to end. */
  readonly stop?: AbortSignal | undefined;
}
