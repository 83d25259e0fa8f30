import type pg from 'pg';
import { databaseError } from './errors.ts';

/**
 * Runs a statement that returns nothing.
 *
 * @param doing for the error: `cannot rename database topobank`
 * @throws DatabaseError
 */
export async function execute(client: pg.Client, doing: string, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    throw databaseError(doing, error);
  }
}
