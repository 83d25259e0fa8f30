import type pg from 'pg';
import type { Statement } from '../../dump/tokens.ts';
import { isInTransaction } from '../load/own-transactions.ts';
import { ownEntry } from './own-entry.ts';

/**
 * Tries what a dump says of a subscription in a transaction, which is undone as soon as something else follows: a
 * database with a subscription could be dropped only from inside, which its event triggers may refuse.
 *
 * @returns to be called before each statement, and with undefined after the last: whether it is to be left out, because
 * the subscription that it is about has not been created
 */
export function undoingSubscriptions(client: pg.Client): (next: Statement | undefined) => Promise<boolean> {
  let undo: string | undefined;
  return async (next) => {
    const creates = next !== undefined && createsSubscription(next.sql);
    if (next !== undefined && !creates && isAboutSubscription(next)) return undo === undefined;
    if (undo !== undefined) await client.query(undo);
    undo = undefined;
    if (!creates) return false;
    const [begin, back] = isInTransaction(client)
      ? ['SAVEPOINT before_undone', 'ROLLBACK TO SAVEPOINT before_undone; RELEASE SAVEPOINT before_undone']
      : ['BEGIN', 'ROLLBACK'];
    await client.query(begin);
    undo = back;
    return false;
  };
}

function createsSubscription(sql: Buffer): boolean {
  return /^CREATE SUBSCRIPTION\b/i.test(sql.toString('latin1', 0, 32));
}

function isAboutSubscription(statement: Statement): boolean {
  const { type = '', name = '' } = ownEntry(statement) ?? {};
  return /^(COMMENT|SECURITY LABEL)$/.test(type)
    ? name.startsWith('SUBSCRIPTION ')
    : type.startsWith('SUBSCRIPTION');
}
