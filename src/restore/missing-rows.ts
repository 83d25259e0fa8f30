import pg from 'pg';
import { showTableName } from '../catalog/find-table.ts';
import type { DumpTable } from '../dump/dump-index.ts';
import type { Database } from '../postgres/database.ts';
import { formatCount, formatFirst } from '../ui/format.ts';

/** How many tables to name. */
const SHOWN = 20;

/** A table may have several blocks of rows in a dump. */
type Block = Pick<DumpTable, 'schema' | 'name' | 'rows'>;

/**
 * The tables of a partly restored database that lack rows, for people: `public.t (0 of 100,000)`. Counts them,
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
    const found: string[] = [];
    for (const [shown, table] of tables) {
      const rows = await countRows(client, table);
      if (rows < table.rows) found.push(`${shown} (${formatCount(rows)} of ${formatCount(table.rows)})`);
    }
    return found;
  });
  return short.length === 0 ? undefined : formatFirst(short, SHOWN);
}

/** @returns 0 if there is no such table */
async function countRows(client: pg.Client, { schema, name }: Block): Promise<number> {
  const quoted = [schema, name]
    .filter((part) => part !== '')
    .map(pg.escapeIdentifier)
    .join('.');
  const found = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    quoted,
  ]);
  if (found.rows[0]?.there !== true) return 0;
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ONLY ${quoted}`);
  return Number(rows[0]?.count);
}
