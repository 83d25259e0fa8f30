import type pg from 'pg';
import { DatabaseError } from '../../errors.ts';
import { administer } from '../../postgres/database.ts';
import { formatDuration } from '../../ui/format.ts';
import { explainable } from './blockers.ts';
import type { ServerContext } from './server-context.ts';
import { SLOW_MS, tellingSlow } from './telling-slow.ts';

/** Runs work over its own connection to the maintenance database. */
export type AsAdmin = <T>(work: (admin: pg.Client) => Promise<T>) => Promise<T>;

/**
 * `answerMs`: how long the server may take for one round of a swap, in milliseconds. Nobody can connect meanwhile, so a
 * connection that is dead without either side noticing must not be waited for; but longer than the server needs to give
 * up the session of such a connection, whose renames keep others from the databases. `slowMs`: after how much of that
 * people are told.
 */
const LIMITS = { answerMs: 3 * 60_000, slowMs: SLOW_MS };

/**
 * No signal ends what is run this way, because the swap takes moments and is done as a whole; but a server that does
 * not answer does. Who is in the way is named, as soon as it takes long and at the end.
 *
 * @param purpose for messages: `put the restored database in place of topobank`
 * @param limits only tests set them
 */
export function asAdminOf(context: ServerContext, purpose: string, limits = LIMITS): AsAdmin {
  const { database } = context;
  return async (work) => {
    const { answerMs, slowMs } = limits;
    const limit = AbortSignal.timeout(answerMs);
    const { database: server, findBlockers, explain } = explainable(database);
    try {
      return await tellingSlow(context, `to ${purpose}`, () => administer(server, limit, work), {
        slowMs,
        explain,
      });
    } catch (error) {
      if (!limit.aborted) throw error;
      // The server goes on waiting, without noticing that the session was given up.
      const blockers = await findBlockers();
      const silent = `${database.server} gave no answer within ${formatDuration(answerMs)}`;
      throw new DatabaseError({
        doing: `cannot ${purpose}`,
        problem: blockers === undefined ? silent : `${silent}, because ${blockers.problem}`,
        remedy: `${blockers?.remedy ?? 'check the network, the server’s log and pg_locks,'} and run again`,
        cause: error,
      });
    }
  };
}
