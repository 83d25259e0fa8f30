import { DatabaseError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import { errorCode } from '../postgres/errors.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import { formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { Clock } from './clock.ts';

/** Pause between two attempts, in milliseconds: at first, and at most. */
const PAUSE = { first: 1000, most: 30_000 };

/** How long to wait, and what to do meanwhile. */
interface WaitOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly until: Date;
  /**
   * Called if the database refuses connections, as after a restore that was killed. Returns whether the database
   * accepts them again; errors are ignored.
   */
  readonly reopen: (signal: AbortSignal) => Promise<boolean>;
}

/**
 * Waits until the database accepts connections, at most until `until`: when a whole stack is started, the service may
 * be up first. Logs once that it is waiting, and returns whatever the outcome.
 *
 * @throws ConfigError for settings that waiting cannot fix
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
      // An abort is handled by the condition of the loop.
      await clock.sleep(Math.min(pause, left), signal).catch(() => {});
      pause = Math.min(pause * 2, PAUSE.most);
    }
  }
}
