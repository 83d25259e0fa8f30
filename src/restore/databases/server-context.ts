import type { Database } from '../../postgres/database.ts';
import type { Logger } from '../../ui/log.ts';

/** The server that a restore works on, and where it tells what becomes of the databases there. */
export interface ServerContext {
  readonly database: Database;
  readonly log: Logger;
}
