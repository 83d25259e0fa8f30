import type { DumpEntry, Statement } from '../../dump/tokens.ts';
import { isTransactional } from '../load/own-transactions.ts';
import { sessionSetting } from '../load/session-settings.ts';

/**
 * The entry of a dump that a statement belongs to. One that begins or ends a transaction belongs to none, and one that
 * sets the session may be meant for the next.
 */
export function ownEntry({ entry, sql }: Statement): DumpEntry | undefined {
  return isTransactional(sql) || sessionSetting(sql) !== undefined ? undefined : entry;
}
