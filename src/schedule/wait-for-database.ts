import { DatabaseError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import { errorCode } from '../postgres/errors.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import { formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { Clock } from './clock.ts';

/** Between two tries, in milliseconds: at first, and at most. */
const PAUSE = { first: 1000, most: 30_000 };

/** How long is waited, and what is done meanwhile. */
export interface WaitOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly until: Date;
  /**
   * Is tried where the database refuses connections, as after a restore that was killed. Tells whether it does so no
   * more; what it throws counts for nothing.
   */
  readonly reopen: (signal: AbortSignal) => Promise<boolean>;
}

/**
 * Waits until the database can be connected to, at most until `until`: where a whole stack is started, the service may
 * be there first. It says so once, and returns, whatever came of it.
 *
 * @throws ConfigError for settings that no waiting helps
 */
export async function waitForDatabase(
  database: Database,
  { clock, log, until, reopen }: WaitOptions,
  signal: AbortSignal,
): Promise<void> {
  let pause = PAUSE.first;
  let said = false;
  while (!signal.aborted) {
    try {
      await database.use(database.name, signal, async () => {});
      if (said) log.info(`database ${database.name} on ${database.server} responds`);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DatabaseError)) throw error;
      const left = until.getTime() - clock.now().getTime();
      if (left <= 0) return;
      if (!said)
        log.warn(`waiting for the database until ${formatTime(until)} at the latest: ${error.message}`);
      said = true;
      const refuses = errorCode(error.cause) === SQLSTATE.objectNotInPrerequisiteState;
      if (refuses && (await reopen(signal).catch(() => false))) continue;
      // An abort is looked at above.
      await clock.sleep(Math.min(pause, left), signal).catch(() => {});
      pause = Math.min(pause * 2, PAUSE.most);
    }
  }
}
