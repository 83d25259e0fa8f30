import type pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { SESSION_POOL } from './errors.ts';
import { readSessionPid } from './session.ts';

/** How closely a connection is watched. */
export interface WatchPace {
  /** How often to ask the server whether the session is still alive, in milliseconds. */
  readonly askMs: number;
  /** How long its answer may take, in milliseconds. */
  readonly answerMs: number;
}

/**
 * Servers take longer than this to give up a silent client, so the loss of the lock is noticed before the lock is
 * free.
 */
const PACE: WatchPace = { askMs: 10_000, answerMs: 30_000 };

/** A watch on a connection that is kept open for what its session holds. */
interface ConnectionWatch {
  /** Aborted with a DatabaseError when the session is gone or no longer answers. */
  readonly lost: AbortSignal;
  stop(): void;
}

/**
 * Watches a connection that holds a lock, and keeps it from looking idle to firewalls and to the server.
 *
 * @param session process id of the server's session
 * @param doing for the message: `cannot back up database topobank on localhost:5432`
 */
export function watchConnection(
  client: pg.Client,
  session: number,
  doing: string,
  { askMs, answerMs } = PACE,
): ConnectionWatch {
  const lost = new AbortController();
  const lose = (problem: string, remedy: string, cause?: unknown) => {
    lost.abort(
      new DatabaseError({ doing, problem: `the connection that holds the lock ${problem}`, remedy, cause }),
    );
  };
  const onError = (error: Error) =>
    lose(`broke (${error.message})`, 'see the server’s log, and run again', error);
  const onEnd = () => lose('was closed', 'see the server’s log, and run again');
  client.on('error', onError);
  client.on('end', onEnd);

  let askedAt: number | undefined;
  const ask = async () => {
    askedAt = performance.now();
    try {
      if ((await readSessionPid(client)) !== session) {
        lose('gets a different session for each transaction, so the lock does not hold', SESSION_POOL);
      }
      askedAt = undefined;
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const timer = setInterval(() => {
    if (askedAt === undefined) void ask();
    else if (performance.now() - askedAt > answerMs)
      lose('no longer responds', 'check the network, and run again');
  }, askMs);

  return {
    lost: lost.signal,
    stop() {
      clearInterval(timer);
      client.off('error', onError);
      client.off('end', onEnd);
    },
  };
}
