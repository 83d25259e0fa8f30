import pg from 'pg';
import { errorCode } from './errors.ts';
import { SQLSTATE } from './sqlstate.ts';

/** Each is set only if the server knows it (manual §20.11.1): the last two came with PostgreSQL 14 and 17. */
const TIME_LIMITS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_timeout',
];

/**
 * How soon the server looks for a client that is silent, and gives it up: after two minutes. By the systems' own
 * defaults it is more than two hours (manual §20.3.2), for which a machine that has lost its power, or its network,
 * would keep the lock. It also keeps firewalls from forgetting a connection that has nothing to send. In seconds, and
 * the number of attempts.
 */
const KEEPALIVES = { tcp_keepalives_idle: 60, tcp_keepalives_interval: 10, tcp_keepalives_count: 6 };

/**
 * Overrides what a role or a database may have set for its application, as pg_dump does for itself: time limits would
 * end a long dump or restore, times in another style would not be understood, and a restore has to write. Names without
 * a schema are the server's own alone, because whoever may create objects in a schema of the search path could have
 * them run with this role's rights (CVE-2018-1058), and a backslash in a string is one. Nor does the session
 * wait for synchronous standbys: while they are away, the server would hold every commit for ever, and the program
 * with it, also when it tidies up. What a restore makes is in the bucket still, should it be lost with the primary.
 */
export async function settleSession(client: pg.Client): Promise<void> {
  const keepalives = Object.entries(KEEPALIVES).map(([name, most]) => `(${pg.escapeLiteral(name)}, ${most})`);
  await liftTimeLimit(client);
  await client.query(
    `SET search_path = '';
     SET standard_conforming_strings = on;
     SET DateStyle = ISO;
     SET default_transaction_read_only = off;
     SET synchronous_commit = local;
     SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN (${TIME_LIMITS.map(pg.escapeLiteral).join(', ')});
     SELECT set_config(name, most::text, false) FROM pg_settings
       JOIN (VALUES ${keepalives.join(', ')}) AS keepalive (name, most) USING (name) WHERE setting::int > most`,
  );
}

/** How often to try to lift a limit that may end the very statement that lifts it. */
const TRIES = 20;

/** By itself, because a limit of a millisecond holds until this statement ends, and would end what follows it. */
async function liftTimeLimit(client: pg.Client, tries = TRIES): Promise<void> {
  try {
    await client.query('SET statement_timeout = 0');
  } catch (error) {
    if (errorCode(error) !== SQLSTATE.queryCanceled || tries === 1) throw error;
    await liftTimeLimit(client, tries - 1);
  }
}
