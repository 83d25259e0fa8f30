import pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { formatFirst, formatTime } from '../ui/format.ts';
import { asked } from './ask.ts';

/** How many to name in a message. */
const NAMED = 3;

/** A transaction that was prepared for a two-phase commit but never ended (manual, PREPARE TRANSACTION). */
export interface PreparedTransaction {
  readonly gid: string;
  /** The role that prepared it, which alone may end it, beside superusers. */
  readonly role: string;
  readonly since: Date;
}

/** The prepared transactions of a database, oldest first; while it has any, it can be neither renamed nor dropped. */
export async function preparedIn(client: pg.Client, database: string): Promise<PreparedTransaction[]> {
  const { rows } = await client.query<PreparedTransaction>(
    'SELECT gid, owner AS role, prepared AS since FROM pg_prepared_xacts WHERE database = $1 ORDER BY prepared, gid',
    [database],
  );
  return rows;
}

/**
 * What prepared transactions prevent, and the statements that end them: no session holds them that could be ended.
 */
export function describePrepared(prepared: readonly PreparedTransaction[]): {
  readonly problem: string;
  readonly remedy: string;
} {
  const each = prepared.map(({ gid, role, since }) => `${gid} of role ${role}, since ${formatTime(since)}`);
  const end = prepared.slice(0, NAMED).map(({ gid }) => `ROLLBACK PREPARED ${quoteGid(gid)};`);
  const others = prepared.length > NAMED ? ' and so on (SELECT gid FROM pg_prepared_xacts),' : '';
  return {
    problem: `prepared transactions keep it from being renamed or dropped (${formatFirst(each, NAMED, '; ')})`,
    remedy: `run in it: ${end.join(' ')}${others} or COMMIT PREPARED to keep their changes`,
  };
}

/** As a literal: a name of any characters. */
export function quoteGid(gid: string): string {
  return pg.escapeLiteral(gid).trim();
}

/**
 * To call before a database is renamed or dropped: the server itself reports only after seconds that the database is
 * in use.
 *
 * @param doing for the error: `cannot drop database topobank`
 * @throws DatabaseError if the database has prepared transactions
 */
export async function refusePrepared(client: pg.Client, database: string, doing: string): Promise<void> {
  const prepared = await asked(doing, preparedIn(client, database));
  if (prepared.length > 0) throw new DatabaseError({ doing, ...describePrepared(prepared) });
}
