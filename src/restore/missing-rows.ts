import type pg from 'pg';
import { showTableName } from '../catalog/find-table.ts';
import type { DumpTable } from '../dump/dump-index.ts';
import { oneRow } from '../postgres/ask.ts';
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
    // Rows that are hidden must not look like missing ones; and dumps from before PostgreSQL 10.3 name no schema.
    await client.query('SET row_security = off; RESET search_path');
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

/** @returns undefined for a table that the role may not read, or whose name the connection cannot spell */
async function countRows(client: pg.Client, table: Block): Promise<number | undefined> {
  try {
    const rows = await ownRows(client, table);
    return Number((await oneRow<{ count: string }>(client, `SELECT count(*) FROM ${rows}`)).count);
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    return undefined;
  }
}
