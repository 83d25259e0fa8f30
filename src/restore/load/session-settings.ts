import type { DumpPosition } from '../../dump/tokens.ts';

/** A statement that sets something for all statements after it. */
export interface SetStatement {
  readonly sql: Buffer;
  readonly at: DumpPosition;
}

/** What a dump has set in its session, by the setting's name, in the order first set. */
export type SessionSettings = ReadonlyMap<string, SetStatement>;

/** No statement that sets something is longer, in bytes. */
const LONGEST = 200;

const SET = /^SET\s+(?:SESSION\s+|LOCAL\s+)?([a-z_.0-9]+)\s*(?:=|\sTO\s)/i;

/** How pg_dump empties search_path (since CVE-2018-1058). */
const SET_CONFIG = /^SELECT\s+pg_catalog\.set_config\('([a-z_.0-9]+)',.*,\s*false\);$/is;

const AUTHORIZATION = /^SET\s+SESSION\s+AUTHORIZATION\s/i;

/** `transaction_timeout` of `SET transaction_timeout = 0;` */
export function settingOf(sql: Buffer): string | undefined {
  return SET.exec(sql.toString('latin1', 0, LONGEST))?.[1];
}

/**
 * The name of the session setting that a statement changes for those after it. Undefined for a statement that does
 * something else, or that is not understood.
 */
export function sessionSetting(sql: Buffer): string | undefined {
  if (sql.length > LONGEST) return undefined;
  const text = sql.toString('latin1');
  if (/^SET\s+LOCAL\s/i.test(text)) return undefined;
  if (AUTHORIZATION.test(text)) return 'session authorization';
  return (SET.exec(text) ?? SET_CONFIG.exec(text))?.[1]?.toLowerCase();
}
