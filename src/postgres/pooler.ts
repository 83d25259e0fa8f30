import type pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { asked } from './ask.ts';
import { administer, type Database } from './database.ts';
import { SESSION_POOL } from './errors.ts';
import { readSessionPid } from './session.ts';

/** How long a second connection may take to get a session, in milliseconds. */
const WAIT_MS = 5000;

/** How often two connections compare their sessions. */
const ROUNDS = 10;

/**
 * Where a connection gets the server's sessions from: from the server itself; from a pooler that keeps one for as long
 * as the connection lasts; or from a pooler that may pass it on after each transaction, so that neither a lock nor a
 * setting holds.
 */
export type Pooling = 'none' | 'session' | 'shared';

/** What is wrong where sessions are shared, and what to do. */
export const SHARED_SESSIONS = {
  problem:
    'a pooler passes the server’s sessions from connection to connection, so the lock that keeps runs apart does not hold',
  remedy: SESSION_POOL,
} as const;

/**
 * Makes sure that a connection to the maintenance database keeps its session.
 *
 * @throws DatabaseError if a pooler shares it with others
 */
export async function refuseSharedSessions(
  database: Database,
  client: pg.Client,
  doing: string,
  signal: AbortSignal,
): Promise<void> {
  const pooling = await asked(doing, findPooling(database, client, signal));
  if (pooling === 'shared') throw new DatabaseError({ doing, ...SHARED_SESSIONS });
}

/**
 * Finds out whether a connection to the maintenance database keeps its session. Another connection is made only if
 * there is a pooler, which shows in the process id that it has given: a pooler makes up one of its own (manual §55.2.8,
 * Canceling Requests in Progress).
 */
export async function findPooling(
  database: Database,
  client: pg.Client,
  signal: AbortSignal,
): Promise<Pooling> {
  const { processID } = client as unknown as { readonly processID: number | null };
  const session = await readSessionPid(client);
  if (session === processID) return 'none';
  const waiting = new AbortController();
  const patience = setTimeout(() => waiting.abort(), WAIT_MS);
  const either = AbortSignal.any([signal, waiting.signal]);
  try {
    return await administer(database, either, async (other) => {
      clearTimeout(patience);
      if (await keepTheirs(client, other)) return 'session';
      await forgetSettings(other);
      return 'shared';
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!waiting.signal.aborted) throw error;
    // The other one waits for a session, although the first one is doing nothing with its own.
    return (await readSessionPid(client)) === session ? 'session' : 'shared';
  } finally {
    clearTimeout(patience);
  }
}

/**
 * Whether each of two connections has a session of its own, and the same one each time. Each asks twice in a row,
 * because a pooler that takes its sessions in turn could otherwise give each the same one again; and the whole is
 * repeated, because other clients may take the session that would tell.
 */
async function keepTheirs(one: pg.Client, other: pg.Client): Promise<boolean> {
  const owners = new Map<number, pg.Client>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const client of [one, one, other, other]) {
      const session = await readSessionPid(client);
      const owner = owners.get(session) ?? client;
      owners.set(session, owner);
      if (owner !== client || owners.size > 2) return false;
    }
  }
  return true;
}

/**
 * A pooler closes the session of a connection that ends within a transaction, and with it go the settings that both
 * connections may have made there. One that allows no transaction closes it at once.
 */
async function forgetSettings(client: pg.Client): Promise<void> {
  await client.query('BEGIN').catch(() => {});
}
