import type pg from 'pg';
import { databaseError } from './errors.ts';

/**
 * What the server answers.
 *
 * @param doing for the error: `cannot back up database topobank on localhost:5432`
 * @throws DatabaseError
 */
export function asked<T>(doing: string, answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw databaseError(doing, error);
  });
}

/**
 * Runs a statement that returns nothing.
 *
 * @param doing for the error: `cannot rename database topobank`
 * @throws DatabaseError
 */
export async function execute(client: pg.Client, doing: string, sql: string): Promise<void> {
  await asked(doing, client.query(sql));
}

/**
 * The row of a query that returns one whatever there is.
 *
 * @throws the server's error
 */
export async function oneRow<R extends pg.QueryResultRow>(
  client: Pick<pg.ClientBase, 'query'>,
  sql: string,
  values: readonly unknown[] = [],
): Promise<R> {
  const { rows } = await client.query<R>(sql, [...values]);
  if (rows[0] === undefined) throw new Error('the server gave no answer');
  return rows[0];
}
