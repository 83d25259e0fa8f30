import pg from 'pg';
import type { Database } from '../postgres/database.ts';
import { formatNumber } from '../ui/format.ts';
import { type DoctorFinding, fault } from './check.ts';

/** How many sessions the server allows at once; null for no limit. */
export interface ConnectionLimit {
  readonly limit: number | null;
  /** Sessions that count towards the limit, except the doctor's own. */
  readonly taken: number;
}

/** Limits of the role and of the database; neither applies to a superuser. */
export interface ConnectionLimits {
  readonly role: ConnectionLimit;
  readonly database: ConnectionLimit;
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
  { role, database }: ConnectionLimits,
  { name, maintenanceName, user }: Pick<Database, 'name' | 'maintenanceName' | 'user'>,
  recordsMedia: boolean,
): string | Omit<DoctorFinding, 'check'> {
  const forMedia = recordsMedia ? OF_MEDIA : 0;
  const ofRole = OF_DATABASE + 1;
  const ofDatabase = name === maintenanceName ? ofRole : OF_DATABASE;
  return (
    judge(role, ofRole, forMedia, 'the role', `ALTER ROLE ${pg.escapeIdentifier(user)} CONNECTION LIMIT`) ??
    judge(
      database,
      ofDatabase,
      forMedia,
      'the database',
      `ALTER DATABASE ${pg.escapeIdentifier(name)} CONNECTION LIMIT`,
    ) ??
    `the ${ofRole + forMedia} concurrent connections that a backup needs are allowed`
  );
}

/** @param forMedia those of the connections that only the list of media needs, which the dump may then lack */
function judge(
  { limit, taken }: ConnectionLimit,
  ofDump: number,
  forMedia: number,
  whose: string,
  alter: string,
): Omit<DoctorFinding, 'check'> | undefined {
  const needed = ofDump + forMedia;
  if (limit === null || limit - taken >= needed) return undefined;
  const remedy = `${alter} ${taken + needed} or more, or -1 for no limit`;
  const allowed = `${whose} may have ${formatNumber(limit, 'connection')} at once, but a backup needs ${needed}`;
  if (limit < needed) {
    return fault(`${allowed}${forMedia === 0 ? '' : `, or ${ofDump} with MEDIA_MANIFEST=off`}`, remedy);
  }
  const areOpen = taken === 1 ? '1 other is open now' : `${taken} others are open now`;
  return { state: 'warning', detail: `${allowed}, while ${areOpen}`, remedy };
}
