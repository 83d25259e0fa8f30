import { majorOf } from '../dump/dump-index.ts';
import type { DumpEntry } from '../dump/tokens.ts';

/** The first version in which a new database's schema `public` is not open to everybody. */
const CLOSED_SINCE = 15;

const INITIAL_GRANT = 'GRANT ALL ON SCHEMA public TO PUBLIC;';

/**
 * Whether these are rights on a schema `public` that everybody may create in when a database is new. pg_dump writes
 * what differs from that, unless the schema was dropped and created again: then it also writes
 * {@link isInitialGrant the grant that makes up for that}, which it leaves out once this has been restored.
 */
export function isRightsOfPublic(
  entry: DumpEntry | undefined,
  serverVersion: string | undefined,
): entry is DumpEntry {
  if (entry?.type !== 'ACL' || entry.name !== 'SCHEMA public') return false;
  return (majorOf(serverVersion) ?? CLOSED_SINCE) < CLOSED_SINCE;
}

/** Whether this gives everybody what they have in a new database anyway. */
export function isInitialGrant(sql: Buffer): boolean {
  return sql.toString('latin1') === INITIAL_GRANT;
}

/** Whether this takes from everybody some of what they have in a new database. */
export function isRevokedFromAll(sql: Buffer): boolean {
  return /^REVOKE .* ON SCHEMA public FROM PUBLIC;$/.test(sql.toString('latin1'));
}
