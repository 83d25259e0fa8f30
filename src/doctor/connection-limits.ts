import pg from 'pg';
import type { Database } from '../postgres/database.ts';
import { formatNumber } from '../ui/format.ts';
import { type DoctorFinding, fault } from './check.ts';

/** How many sessions the server allows at once; null for as many as there are. */
export interface ConnectionLimit {
  readonly limit: number | null;
  /** Sessions under the limit, but for the doctor's own. */
  readonly taken: number;
}

/** A superuser has none of either. */
export interface ConnectionLimits {
  readonly role: ConnectionLimit;
  readonly database: ConnectionLimit;
}

/** What a backup holds of the database at once: its snapshot, pg_dump, and the rows that name media. */
const OF_DATABASE = 3;

/** Judges whether a backup gets the connections that it takes at once; its lock lies in the maintenance database. */
export function judgeLimits(
  { role, database }: ConnectionLimits,
  { name, maintenanceName, user }: Pick<Database, 'name' | 'maintenanceName' | 'user'>,
): string | Omit<DoctorFinding, 'check'> {
  const ofRole = OF_DATABASE + 1;
  const ofDatabase = name === maintenanceName ? ofRole : OF_DATABASE;
  return (
    judge(role, ofRole, 'the role', `ALTER ROLE ${pg.escapeIdentifier(user)} CONNECTION LIMIT`) ??
    judge(
      database,
      ofDatabase,
      'the database',
      `ALTER DATABASE ${pg.escapeIdentifier(name)} CONNECTION LIMIT`,
    ) ??
    `the ${ofRole} connections that a backup takes at once are allowed`
  );
}

function judge(
  { limit, taken }: ConnectionLimit,
  needed: number,
  whose: string,
  alter: string,
): Omit<DoctorFinding, 'check'> | undefined {
  if (limit === null || limit - taken >= needed) return undefined;
  const remedy = `${alter} ${taken + needed} or more, or -1 for no limit`;
  const allowed = `${whose} may have ${formatNumber(limit, 'connection')} at once, and a backup takes ${needed}`;
  if (limit < needed - 1) return fault(allowed, remedy);
  const but =
    limit < needed ? ', or one less with MEDIA_MANIFEST=off' : `, while ${taken} others are open now`;
  return { state: 'warning', detail: `${allowed}${but}`, remedy };
}
