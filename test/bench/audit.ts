import { fileURLToPath } from 'node:url';
import { withClient } from '../support/database.ts';
import { storeEnv } from '../support/topobank-backup.ts';
import { ERA_C } from '../support/topobank-eras.ts';
import { type Bench, inTurns, largest, median, megabytes, type Subject, seconds } from './bench.ts';
import { MEDIA_FILE_SQL } from './media-keys.ts';
import { runProcess, runTool, type ToolRun } from './run-process.ts';
import { startServerProcess } from './server-process.ts';

const LISTING_SERVER = fileURLToPath(new URL('./listing-process.ts', import.meta.url));
const LIST_ALONE = fileURLToPath(new URL('./list-alone.mjs', import.meta.url));

/** Dump bytes of the bench's large database for each row and object of the large audit: 1 GB makes a million. */
const BYTES_PER_ROW = 1000;
const OBJECTS_PER_RANGE = 2000;
const READERS = 4;

/** An audit of as many rows as objects against the listing alone; memory at two sizes. */
export const AUDIT: Subject = {
  name: 'audit',
  about: 'wall time over listing the same bucket alone, and peak memory at two sizes',
  async run(bench) {
    const { large, rounds, say } = bench;
    const server = await startServerProcess(LISTING_SERVER);
    try {
      const count = Math.ceil(large.bytes / BYTES_PER_ROW);
      const few = Math.ceil(count / 10);
      for (const rows of [count, few]) {
        say(`audit: making ${rows} rows`);
        await fill(bench, rows);
      }
      const { first, second } = await inTurns(
        rounds,
        () => listing(bench, storeEnv(server), count),
        (round) => {
          say(`audit: round ${round + 1} of ${rounds}`);
          return auditing(bench, storeEnv(server), count);
        },
      );
      const ofFew: ToolRun[] = [];
      for (let round = 0; round < rounds; round++) ofFew.push(await auditing(bench, storeEnv(server), few));
      const baseline = median(first.map(({ ms }) => ms));
      const measured = median(second.map(({ ms }) => ms));
      const [most, least] = [second, ofFew].map((runs) => largest(runs.map(({ peakBytes }) => peakBytes)));
      return [
        {
          subject: `audit of ${count} rows and objects`,
          measured: seconds(measured),
          baseline: `listing ${seconds(baseline)}`,
          ratio: measured / baseline,
          goal: '≤ 1.2',
          cpuMs: median(second.map(({ cpuMs }) => cpuMs)),
        },
        {
          subject: 'audit: peak memory',
          measured: most === undefined ? '–' : megabytes(most),
          baseline: `at a tenth ${least === undefined ? '–' : megabytes(least)}`,
          ratio: most === undefined || least === undefined ? undefined : most / least,
          goal: '≤ 150 MB, ≤ 20 MB more',
        },
      ];
    } finally {
      await server.stop();
    }
  },
};

function databaseOf(rows: number): string {
  return `audit_${rows}`;
}

async function fill({ env }: Bench, rows: number): Promise<void> {
  const name = databaseOf(rows);
  await withClient(env, 'postgres', (client) => client.query(`CREATE DATABASE ${name}`));
  await withClient(env, name, async (client) => {
    await client.query(ERA_C);
    await client.query(`
      INSERT INTO files_manifest (filename, file, kind, created, updated, confirmed_at)
      SELECT 'measurement.opd', ${MEDIA_FILE_SQL}, 'raw', '2024-09-01', '2024-09-01', '2024-09-01'
      FROM generate_series(1, ${rows}) n ORDER BY hashint4(n)`);
    await client.query('VACUUM ANALYZE files_manifest');
  });
}

function variables(bench: Bench, store: Record<string, string>, count: number): Record<string, string> {
  return {
    ...bench.env,
    ...store,
    POSTGRES_DB: databaseOf(count),
    AWS_STORAGE_BUCKET_NAME: `objects-${count}`,
    AUDIT_READERS: String(READERS),
  };
}

function auditing(bench: Bench, store: Record<string, string>, count: number): Promise<ToolRun> {
  return runTool(['audit-orphans', '--quiet'], variables(bench, store, count), bench.signal);
}

function listing(bench: Bench, store: Record<string, string>, count: number) {
  const args = [LIST_ALONE, String(count), String(OBJECTS_PER_RANGE), String(READERS)];
  const { PATH, HOME } = process.env;
  return runProcess(process.execPath, args, { PATH, HOME, ...variables(bench, store, count) }, bench.signal);
}
