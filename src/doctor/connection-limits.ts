import pg from 'pg';
import type { Database } from '../postgres/database.ts';
import { formatNumber } from '../ui/format.ts';
import { fault, type Outcome, type Verdict } from './check.ts';

/** How many sessions the server allows at once; null for no limit. */
interface ConnectionLimit {
  readonly limit: number | null;
  /** Sessions that count towards the limit, except the doctor's own. */
  readonly taken: number;
}

/** Limits of the role and of the database, which do not apply to a superuser, and of the server. */
export interface ConnectionLimits {
  readonly role: ConnectionLimit;
  readonly database: ConnectionLimit;
  /** The connections that the server has for this role and others like it. */
  readonly server: ConnectionLimit & {
    /** The connections that the server has for all. */
    readonly max: number;
    /**
     * Those of them that it keeps for members of `pg_use_reserved_connections`, if the role is not one of them
     * (`reserved_connections`, PostgreSQL 16); beside those that it keeps for superusers.
     */
    readonly reserved: number;
  };
}

/** Connections to the database that a backup holds at once: its snapshot, and pg_dump. */
const OF_DATABASE = 2;

/** Additional connections while it reads the rows that name media. */
const OF_MEDIA = 1;

/**
 * Judges whether a backup can get the connections that it needs at once; its lock is held in the maintenance
 * database.
 *
 * @param recordsMedia whether the backup lists the media that rows name (MEDIA_MANIFEST)
 */
export function judgeLimits(
  { role, database, server }: ConnectionLimits,
  { name, maintenanceName, user }: Pick<Database, 'name' | 'maintenanceName' | 'user'>,
  recordsMedia: boolean,
): Outcome {
  const forMedia = recordsMedia ? OF_MEDIA : 0;
  const ofRole = OF_DATABASE + 1;
  const ofDatabase = name === maintenanceName ? ofRole : OF_DATABASE;
  const quote = pg.escapeIdentifier;
  const alter = (what: string) => (least: number) =>
    `ALTER ${what} CONNECTION LIMIT ${least} or more, or -1 for no limit`;
  const raise = (least: number) => {
    const missing = least - (server.limit ?? least);
    const join =
      server.reserved >= missing
        ? `, or GRANT pg_use_reserved_connections TO ${quote(user)} WITH INHERIT TRUE`
        : '';
    return `raise max_connections to ${server.max + missing} or more${join}`;
  };
  return (
    judge(role, ofRole, forMedia, 'the role may have', alter(`ROLE ${quote(user)}`)) ??
    judge(database, ofDatabase, forMedia, 'the database may have', alter(`DATABASE ${quote(name)}`)) ??
    judge(server, ofRole, forMedia, 'this role and others may together have', raise) ??
    `the ${ofRole + forMedia} concurrent connections that a backup needs are allowed`
  );
}

/**
 * @param forMedia those of the connections that only the list of media needs, which the dump may then lack
 * @param remedyFor what to do so that there may be at least so many
 */
function judge(
  { limit, taken }: ConnectionLimit,
  ofDump: number,
  forMedia: number,
  whoMayHave: string,
  remedyFor: (least: number) => string,
): Verdict | undefined {
  const needed = ofDump + forMedia;
  if (limit === null || limit - taken >= needed) return undefined;
  const remedy = remedyFor(taken + needed);
  const allowed = `${whoMayHave} ${formatNumber(limit, 'connection')} at once, but a backup needs ${needed}`;
  if (limit < needed) {
    return fault(`${allowed}${forMedia === 0 ? '' : `, or ${ofDump} with MEDIA_MANIFEST=off`}`, remedy);
  }
  const areOpen = taken === 1 ? '1 other is open now' : `${taken} others are open now`;
  return { state: 'warning', detail: `${allowed}, while ${areOpen}`, remedy };
}
