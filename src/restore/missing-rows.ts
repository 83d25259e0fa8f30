import type pg from 'pg';
import { showTableName } from '../catalog/find-table.ts';
import type { DumpTable } from '../dump/dump-index.ts';
import type { Database } from '../postgres/database.ts';
import { sqlState } from '../postgres/errors.ts';
import { ownRows } from '../postgres/relations.ts';
import { formatCount, formatFirst } from '../ui/format.ts';

/** How many tables to name. */
const SHOWN = 20;

/** A table may have several blocks of rows in a dump. */
type Block = Pick<DumpTable, 'schema' | 'name' | 'rows'>;

/**
 * The tables of a partly restored database that lack rows, or may, for people: `public.t (0 of 100,000)`. Counts them,
 * and so reads every row there is.
 *
 * @returns undefined if no table lacks any
 * @throws the error of `pg`, DatabaseError, or the signal's reason
 */
export async function describeMissingRows(
  database: Database,
  scratch: string,
  blocks: readonly Block[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const tables = new Map<string, Block>();
  for (const block of blocks) {
    const shown = showTableName(block);
    tables.set(shown, { ...block, rows: block.rows + (tables.get(shown)?.rows ?? 0) });
  }
  const short = await database.use(scratch, signal, async (client) => {
    // Rows that are hidden must not look like missing ones.
    await client.query('SET row_security = off');
    const found: string[] = [];
    for (const [shown, table] of tables) {
      const rows = await countRows(client, table);
      if (rows === undefined) found.push(`${shown} (not counted, of ${formatCount(table.rows)})`);
      else if (rows < table.rows) found.push(`${shown} (${formatCount(rows)} of ${formatCount(table.rows)})`);
    }
    return found;
  });
  return short.length === 0 ? undefined : formatFirst(short, SHOWN);
}

/**
 * The unlogged tables (manual, CREATE TABLE) that have no row and should have some, for people: a crash of the server
 * empties these.
 *
 * @returns undefined if there is none
 * @throws the error of `pg`, DatabaseError, or the signal's reason
 */
export async function describeEmptied(
  database: Database,
  scratch: string,
  blocks: readonly Block[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const filled = new Set(blocks.filter(({ rows }) => rows > 0).map(showTableName));
  const emptied = await database.use(scratch, signal, async (client) => {
    await client.query('SET row_security = off');
    const { rows: unlogged } = await client.query<{ schema: string; name: string }>(
      `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY 1, 2`,
    );
    const found: string[] = [];
    for (const table of unlogged) {
      const shown = showTableName(table);
      if (!filled.has(shown)) continue;
      const { rowCount } = await client.query(`SELECT FROM ${await ownRows(client, table)} LIMIT 1`);
      if (rowCount === 0) found.push(shown);
    }
    return found;
  });
  return emptied.length === 0 ? undefined : formatFirst(emptied, SHOWN);
}

/** @returns undefined for a table that the role may not read, or whose name the connection cannot spell */
async function countRows(client: pg.Client, table: Block): Promise<number | undefined> {
  try {
    const { rows } = await client.query<{ count: string }>(
      `SELECT count(*) FROM ${await ownRows(client, table)}`,
    );
    return Number(rows[0]?.count);
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    return undefined;
  }
}
