import { fileURLToPath } from 'node:url';
import { type Environment, withClient } from '../support/database.ts';
import { ERA_C } from '../support/topobank-eras.ts';
import type { Bench } from './bench.ts';
import { MEDIA_FILE_SQL } from './media-keys.ts';
import { buildScript, runScript, runTool, type ToolRun } from './run-process.ts';

const LIST_ALONE = fileURLToPath(new URL('./list-alone.ts', import.meta.url));

/** Dump bytes of the bench's large database for each row and object of the large audit: 1 GB makes a million. */
const BYTES_PER_ROW = 1000;

const OBJECTS_PER_RANGE = 2000;
const READERS = 4;

/** How many rows and objects the large audit has. */
export function rowsOf({ large }: Pick<Bench, 'large'>): number {
  return Math.ceil(large.bytes / BYTES_PER_ROW);
}

/** Both sides of an audit's comparison, with as many readers each. */
export interface AuditRuns {
  /** Makes a database with so many rows, each of which names a media object. */
  fill(rows: number): Promise<void>;
  /**
   * Lists the bucket of so many objects and does nothing else.
   *
   * @param store the variables that make the tool use it
   */
  list(store: Environment, objects: number): Promise<ToolRun>;
  /** Audits the database of so many rows against the bucket. */
  audit(store: Environment, rows: number): Promise<ToolRun>;
}

export async function openAuditRuns(bench: Bench): Promise<AuditRuns> {
  const { env, signal } = bench;
  const listAlone = await buildScript(LIST_ALONE, bench);
  const variables = (store: Environment, rows: number) => ({
    ...env,
    ...store,
    POSTGRES_DB: databaseOf(rows),
    AUDIT_READERS: String(READERS),
  });
  return {
    async fill(rows) {
      const name = databaseOf(rows);
      await withClient(env, 'postgres', async (client) => {
        // Another subject may have made one of as many rows.
        await client.query(`DROP DATABASE IF EXISTS ${name}`);
        await client.query(`CREATE DATABASE ${name}`);
      });
      await withClient(env, name, async (client) => {
        await client.query(ERA_C);
        await client.query(`
          INSERT INTO files_manifest (filename, file, kind, created, updated, confirmed_at)
          SELECT 'measurement.opd', ${MEDIA_FILE_SQL}, 'raw', '2024-09-01', '2024-09-01', '2024-09-01'
          FROM generate_series(1, ${rows}) n ORDER BY hashint4(n)`);
        await client.query('VACUUM ANALYZE files_manifest');
      });
    },
    list: (store, objects) =>
      runScript(
        listAlone,
        [objects, OBJECTS_PER_RANGE, READERS].map(String),
        variables(store, objects),
        signal,
      ),
    audit: (store, rows) => runTool(['audit-orphans', '--quiet'], variables(store, rows), signal),
  };
}

function databaseOf(rows: number): string {
  return `audit_${rows}`;
}
