import type pg from 'pg';
import { TAKE_ANOTHER } from '../../dump/dump-errors.ts';
import { RestoreError } from '../../errors.ts';

/**
 * Whether a statement begins or ends a transaction. Such a statement belongs to no entry of the dump, wherever it is.
 */
export function isTransactional(sql: Buffer): boolean {
  return /^(?:BEGIN|COMMIT|END|START|ROLLBACK|ABORT)\b/i.test(sql.toString('latin1', 0, 9));
}

/** Whether a transaction that the dump has begun is open. */
export function isInTransaction(client: pg.Client): boolean {
  return client.getTransactionStatus() !== 'I';
}

/**
 * Called at the end of a dump.
 *
 * @param doing for the error: `cannot restore ./dump.sql`
 * @throws RestoreError if a transaction that the dump has begun is still open: nothing of it would be kept
 */
export function refuseUncommitted(client: pg.Client, doing: string): void {
  if (!isInTransaction(client)) return;
  throw new RestoreError({
    doing,
    problem: 'it begins a transaction and does not commit it, so nothing would be kept',
    remedy: TAKE_ANOTHER,
  });
}
