import { DatabaseError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import { formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { Clock } from './clock.ts';

/** Between two tries, in milliseconds: at first, and at most. */
const PAUSE = { first: 1000, most: 30_000 };

/**
 * Waits until the database can be connected to, at most until `until`: where a whole stack is started, the service may
 * be there first. It says so once, and returns, whatever came of it.
 *
 * @throws ConfigError for settings that no waiting helps
 */
export async function waitForDatabase(
  database: Database,
  { clock, log, until }: { readonly clock: Clock; readonly log: Logger; readonly until: Date },
  signal: AbortSignal,
): Promise<void> {
  let pause = PAUSE.first;
  let said = false;
  while (!signal.aborted) {
    try {
      await database.use(database.name, signal, async () => {});
      if (said) log.info(`database ${database.name} on ${database.server} answers`);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DatabaseError)) throw error;
      const left = until.getTime() - clock.now().getTime();
      if (left <= 0) return;
      if (!said) log.warn(`waiting for the database, until ${formatTime(until)} at most: ${error.message}`);
      said = true;
      // An abort is looked at above.
      await clock.sleep(Math.min(pause, left), signal).catch(() => {});
      pause = Math.min(pause * 2, PAUSE.most);
    }
  }
}
