import { fileURLToPath } from 'node:url';
import { withClient } from '../support/database.ts';
import { storeEnv } from '../support/topobank-backup.ts';
import { ERA_C } from '../support/topobank-eras.ts';
import {
  type Bench,
  type Finding,
  inTurns,
  largest,
  median,
  megabytes,
  type Subject,
  seconds,
} from './bench.ts';
import { MEDIA_FILE_SQL } from './media-keys.ts';
import { buildScript, runScript, runTool, type ToolRun } from './run-process.ts';
import { startServerProcess } from './server-process.ts';

const LISTING_SERVER = fileURLToPath(new URL('./listing-process.ts', import.meta.url));
const LIST_ALONE = fileURLToPath(new URL('./list-alone.ts', import.meta.url));

/** Dump bytes of the bench's large database for each row and object of the large audit: 1 GB makes a million. */
const BYTES_PER_ROW = 1000;
const OBJECTS_PER_RANGE = 2000;
const READERS = 4;

/** Objects of the bucket that is listed alone, for each of the large audit's: ten million where that has a million. */
const TIMES_MORE = 10;

/** An audit of as many rows as objects against the listing alone; memory at two sizes, and a far larger listing. */
export const AUDIT: Subject = {
  name: 'audit',
  about:
    'wall time over listing the same bucket alone, peak memory at two sizes, and a listing of ten times as much',
  async run(bench) {
    const { large, rounds, say } = bench;
    const listAlone = await buildScript(LIST_ALONE, bench);
    const server = await startServerProcess(LISTING_SERVER);
    const listing = (count: number) => {
      const args = [count, OBJECTS_PER_RANGE, READERS].map(String);
      return runScript(listAlone, args, variables(bench, storeEnv(server), count), bench.signal);
    };
    try {
      const count = Math.ceil(large.bytes / BYTES_PER_ROW);
      const few = Math.ceil(count / 10);
      for (const rows of [count, few]) {
        say(`audit: making ${rows} rows`);
        await fill(bench, rows);
      }
      const { first, second } = await inTurns(
        rounds,
        () => listing(count),
        (round) => {
          say(`audit: round ${round + 1} of ${rounds}`);
          return auditing(bench, storeEnv(server), count);
        },
      );
      const ofFew: ToolRun[] = [];
      for (let round = 0; round < rounds; round++) ofFew.push(await auditing(bench, storeEnv(server), few));
      say(`audit: listing ${count * TIMES_MORE} objects`);
      const whole = await listing(count * TIMES_MORE);
      const baseline = median(first.map(({ ms }) => ms));
      const measured = median(second.map(({ ms }) => ms));
      const [most, least] = [second, ofFew].map(largestPeak);
      const [listed, listedWhole] = [first, [whole]].map(largestPeak);
      return [
        {
          subject: `audit of ${count} rows and objects`,
          measured: seconds(measured),
          baseline: `listing ${seconds(baseline)}, cpu ${seconds(median(first.map(({ cpuMs }) => cpuMs)))}`,
          ratio: measured / baseline,
          goal: '≤ 1.2',
          cpuMs: median(second.map(({ cpuMs }) => cpuMs)),
        },
        {
          subject: 'audit: peak memory',
          ...compareMemory(most, least),
          goal: '≤ 150 MB, ≤ 20 MB more',
        },
        {
          subject: `listing of ${count * TIMES_MORE} objects: peak memory`,
          ...compareMemory(listedWhole, listed),
          goal: '≤ 20 MB more',
          cpuMs: whole.cpuMs,
        },
      ];
    } finally {
      await server.stop();
    }
  },
};

function largestPeak(runs: readonly ToolRun[]): number | undefined {
  return largest(runs.map(({ peakBytes }) => peakBytes));
}

function compareMemory(
  most: number | undefined,
  least: number | undefined,
): Pick<Finding, 'measured' | 'baseline' | 'ratio'> {
  const show = (bytes: number | undefined) => (bytes === undefined ? '–' : megabytes(bytes));
  return {
    measured: show(most),
    baseline: `at a tenth ${show(least)}`,
    ratio: most === undefined || least === undefined ? undefined : most / least,
  };
}

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
