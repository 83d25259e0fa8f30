import type pg from 'pg';
import { type Environment, withClient } from './database.ts';
import { runPgDump } from './run-pg-dump.ts';

/** What is to be equal of two databases: the text of the schema, and every table's rows. */
export interface DatabaseDigest {
  /** `pg_dump --schema-only` of it. */
  readonly schema: string;
  /** `schema.table` to its number of rows and a hash over them, in an order that does not matter; sequences too. */
  readonly tables: ReadonlyMap<string, { readonly rows: number; readonly hash: string }>;
}

/** Reads all of database `name`, as the server's own pg_dump and md5 see it. */
export async function digestDatabase(env: Environment, name: string): Promise<DatabaseDigest> {
  const [schema, tables] = await Promise.all([dumpSchema(env, name), withClient(env, name, digestTables)]);
  return { schema, tables };
}

async function dumpSchema(env: Environment, name: string): Promise<string> {
  const dump = await runPgDump(env, ['--schema-only', name]);
  // The token of these two lines is new in each dump.
  return dump.toString().replace(/^\\(un)?restrict .*$/gm, '');
}

async function digestTables(client: pg.Client): Promise<DatabaseDigest['tables']> {
  const { rows: tables } = await client.query<{ name: string; kind: string }>(`
    SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 1`);
  const digests = new Map<string, { rows: number; hash: string }>();
  for (const { name, kind } of tables) {
    // A sequence's log_cnt counts values fetched ahead for the WAL: no part of its state, and not dumped.
    const source = kind === 'S' ? `(SELECT last_value, is_called FROM ${name})` : name;
    const { rows } = await client.query<{ rows: string; hash: string }>(`
      SELECT count(*) AS rows, coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)::text AS hash
      FROM ${source} t`);
    digests.set(name, { rows: Number(rows[0]!.rows), hash: rows[0]!.hash });
  }
  return digests;
}

/** Every difference in a line of its own; empty when both are equal. */
export function compareDigests(expected: DatabaseDigest, found: DatabaseDigest): string[] {
  const differences = compareSchemas(expected.schema.split('\n'), found.schema.split('\n'));
  for (const name of new Set([...expected.tables.keys(), ...found.tables.keys()])) {
    const before = expected.tables.get(name);
    const after = found.tables.get(name);
    if (before === undefined || after === undefined) {
      differences.push(`${name} is ${before === undefined ? 'new' : 'missing'}`);
    } else if (before.rows !== after.rows) {
      differences.push(`${name} has ${after.rows} rows instead of ${before.rows}`);
    } else if (before.hash !== after.hash) differences.push(`${name} has other rows`);
  }
  return differences;
}

/** Only the first line that differs is named: one lost statement moves all lines behind it. */
function compareSchemas(expected: readonly string[], found: readonly string[]): string[] {
  const length = Math.max(expected.length, found.length);
  for (let line = 0; line < length; line++) {
    if (expected[line] === found[line]) continue;
    const show = (text: string | undefined) => (text === undefined ? 'nothing' : JSON.stringify(text.trim()));
    return [
      `the schemas differ from line ${line + 1}: ${show(found[line])} instead of ${show(expected[line])}`,
    ];
  }
  return [];
}
