import { fileURLToPath } from 'node:url';
import { storeEnv } from '../support/topobank-backup.ts';
import { openAuditRuns, rowsOf } from './audit-runs.ts';
import { type Finding, inTurns, largest, median, megabytes, type Subject, seconds } from './bench.ts';
import type { ToolRun } from './run-process.ts';
import { startServerProcess } from './server-process.ts';

const LISTING_SERVER = fileURLToPath(new URL('./listing-process.ts', import.meta.url));

/** Objects of the bucket that is listed alone, for each of the large audit's: ten million where that has a million. */
const TIMES_MORE = 10;

/** An audit of as many rows as objects against the listing alone; memory at two sizes, and a far larger listing. */
export const AUDIT: Subject = {
  name: 'audit',
  about:
    'wall time over listing the same bucket alone, peak memory at two sizes, and a listing of ten times as much',
  async run(bench) {
    const { rounds, say } = bench;
    const runs = await openAuditRuns(bench);
    const server = await startServerProcess(LISTING_SERVER);
    const bucket = (count: number) => ({ ...storeEnv(server), AWS_STORAGE_BUCKET_NAME: `objects-${count}` });
    try {
      const count = rowsOf(bench);
      const few = Math.ceil(count / 10);
      for (const rows of [count, few]) {
        say(`audit: making ${rows} rows`);
        await runs.fill(rows);
      }
      const { first, second } = await inTurns(
        rounds,
        () => runs.list(bucket(count), count),
        (round) => {
          say(`audit: round ${round + 1} of ${rounds}`);
          return runs.audit(bucket(count), count);
        },
      );
      const ofFew: ToolRun[] = [];
      for (let round = 0; round < rounds; round++) ofFew.push(await runs.audit(bucket(few), few));
      say(`audit: listing ${count * TIMES_MORE} objects`);
      const whole = await runs.list(bucket(count * TIMES_MORE), count * TIMES_MORE);
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
