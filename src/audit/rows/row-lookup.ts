import type pg from 'pg';
import { quoteTable, type Relations } from '../../postgres/relations.ts';
import type { MatchedSource } from '../sources/match-sources.ts';
import { type Labels, labelJoins } from '../sources/row-labels.ts';
import { idCondition, idExpression, keyExpression } from './reference-query.ts';

/** A row at some instant. */
export interface RowVersion {
  /** Changes with every UPDATE (system column `xmin`, manual §5.5). */
  readonly version: string;
  /** The key in the bucket; null if there is no file. */
  readonly key: string | null;
}

/** The part of a connection that is needed here. */
type Connection = Pick<pg.ClientBase, 'query'>;

/** Reads rows by their primary keys, as the connection sees them. Those that do not exist are left out. */
export async function readVersions(
  connection: Connection,
  source: MatchedSource,
  mediaPrefix: string,
  ids: readonly string[],
): Promise<Map<string, RowVersion>> {
  const { relation } = source;
  const { rows } = await connection.query<RowVersion & { id: string }>(
    `SELECT ${idExpression(relation)} AS id, xmin::text AS version, ${keyExpression(source, mediaPrefix)} AS key
     FROM ${quoteTable(relation)} WHERE ${idCondition(relation)}`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** {@link readVersions}, with labels. */
export async function readLabelled(
  connection: Connection,
  source: MatchedSource,
  mediaPrefix: string,
  ids: readonly string[],
  relations: Relations,
): Promise<Map<string, RowVersion & Labels>> {
  const { relation } = source;
  const labels = labelJoins(relation, relations);
  const { rows } = await connection.query<RowVersion & Labels & { id: string }>(
    `SELECT r."row.id" AS id, r."row.version" AS version, r."row.key" AS key, ${labels.columns}
     FROM (SELECT *, ${idExpression(relation)} AS "row.id", xmin::text AS "row.version",
         ${keyExpression(source, mediaPrefix)} AS "row.key"
       FROM ${quoteTable(relation)} WHERE ${idCondition(relation)}) AS r
     ${labels.joins}`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
