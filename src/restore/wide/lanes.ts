import type pg from 'pg';
import type { Database } from '../../postgres/database.ts';
import { describeCause } from '../../postgres/errors.ts';
import { raiseMemory } from '../../postgres/raise-memory.ts';
import { endsSession } from '../../postgres/server-away.ts';
import { stoppable } from '../../stoppable.ts';
import type { Logger } from '../../ui/log.ts';
import { fireEventTriggers } from '../load/event-triggers.ts';
import { runStatement, type StatementContext } from '../load/run-statement.ts';
import type { SessionSettings, SetStatement } from '../load/session-settings.ts';
import { settleForDump } from '../load/settle-for-dump.ts';

/** Memory for building indexes and checking foreign keys, across all lanes, in MiB. */
const MAINTENANCE_MIB = 256;

/** One of the connections of a restore. */
export interface Lane {
  readonly client: pg.Client;
  /** What the dump has set in this connection's session. */
  settings: SessionSettings;
}

/** Several connections that work on one restore and fail together. */
export interface Lanes {
  /** The first lane runs the dump's text, and does the same work as the others when it has nothing to run. */
  readonly text: Lane;
  readonly all: readonly Lane[];
  /** Aborted as soon as any part of the restore has failed or is to be stopped. */
  readonly signal: AbortSignal;
  /** Stops everything: the restore fails with this reason, unless something failed before. */
  readonly fail: (reason: unknown) => void;
}

/**
 * Runs `work` with `count` connections to a database that only this restore uses. The first failure aborts all of
 * them.
 *
 * @throws the first failure, or the signal's reason
 */
export async function withLanes<T>(
  database: Database,
  scratch: string,
  count: number,
  signal: AbortSignal,
  work: (lanes: Lanes) => Promise<T>,
): Promise<T> {
  const { either, stop: fail } = stoppable(signal);

  async function open(opened: readonly Lane[]): Promise<T> {
    if (opened.length < count) {
      return database.use(scratch, either, async (client) => {
        await settleForDump(client);
        await fireEventTriggers(client);
        await tuneSession(client, count);
        return open([...opened, { client, settings: new Map() }]);
      });
    }
    try {
      return await work({ text: opened[0] as Lane, all: opened, signal: either, fail });
    } catch (error) {
      fail(error);
      throw error;
    }
  }

  return open([]);
}

/**
 * Every role may set these for itself, and after a crash a scratch database is dropped anyway. Lanes build indexes in
 * parallel, so more workers for each (a setting since PostgreSQL 11) would only take cores from the other lanes.
 */
async function tuneSession(client: pg.Client, lanes: number): Promise<void> {
  await client.query('SET synchronous_commit = off');
  await raiseMemory(client, 'maintenance_work_mem', Math.floor((MAINTENANCE_MIB * 1024) / lanes));
  if (lanes === 1) return;
  await client.query(
    `SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'max_parallel_maintenance_workers'`,
  );
}

/**
 * Has the server write to disk what it has committed for all lanes, so that a crash takes nothing of it: the log is
 * flushed up to this commit, which writes a record of its own (manual, "Asynchronous Commit", `pg_logical_emit_message`).
 * A role that may not call this is no reason to give up what is restored: the server does the same by itself within
 * moments (`wal_writer_delay`).
 *
 * @throws the error of `pg` if the connection breaks
 */
export async function flushCommits(client: pg.Client, log: Pick<Logger, 'debug'>): Promise<void> {
  try {
    await client.query('SET synchronous_commit = local');
    await client.query(`SELECT pg_catalog.pg_logical_emit_message(true, 'topobank-backup', '')`);
  } catch (error) {
    if (endsSession(error)) throw error;
    log.debug(`what is restored is left to the server to write to disk: ${describeCause(error)}`);
  }
}

/** Brings a lane's session into the state that the dump's would have with these settings. */
export async function adoptSettings(
  lane: Lane,
  settings: SessionSettings,
  context: StatementContext,
): Promise<void> {
  if (lane.settings === settings) return;
  for (const name of lane.settings.keys()) {
    if (!settings.has(name)) await lane.client.query(`RESET ${name}`);
  }
  for (const [name, statement] of settings) {
    if (lane.settings.get(name)?.sql.equals(statement.sql)) continue;
    await runStatement(lane.client, statement.sql, statement.at, context);
  }
  lane.settings = settings;
}

/**
 * Runs a statement that sets something for all statements after it, and records it unless the server does not know
 * it.
 */
export async function runSetting(
  lane: Lane,
  name: string,
  statement: SetStatement,
  context: StatementContext,
): Promise<void> {
  const outcome = await runStatement(lane.client, statement.sql, statement.at, context);
  if (outcome === 'done') lane.settings = new Map(lane.settings).set(name, statement);
}

/**
 * Has the lanes process one item after another until there are none left.
 *
 * @param next an item for a lane that is free; undefined while there is none
 * @throws the first failure, once all lanes have finished what they were doing
 */
export async function spread<T>(
  lanes: Lanes,
  next: () => T | undefined,
  run: (lane: Lane, work: T) => Promise<void>,
): Promise<void> {
  const free = [...lanes.all];
  const running = new Map<Lane, Promise<void>>();
  try {
    for (;;) {
      for (let lane = free.pop(); lane !== undefined; lane = free.pop()) {
        const work = next();
        if (work === undefined) {
          free.push(lane);
          break;
        }
        const worker = lane;
        const ended = () => {
          running.delete(worker);
          free.push(worker);
        };
        running.set(worker, run(worker, work).then(ended));
      }
      if (running.size === 0) return;
      await Promise.race(running.values());
    }
  } catch (error) {
    lanes.fail(error);
    await Promise.allSettled(running.values());
    throw error;
  }
}
