import { join } from 'node:path';
import { type Bench, inTurns, median, megabytes, type Subject, seconds } from './bench.ts';
import { type Run, runProcess, runTool } from './run-process.ts';

/** A backup of the large database against pg_dump into nothing; memory on the large and the small one. */
export const BACKUP: Subject = {
  name: 'backup',
  about: 'wall time over `pg_dump > /dev/null`, and peak memory at two sizes',
  async run(bench) {
    const { large, small, rounds, signal, say } = bench;
    const pgDump = () => runProcess(join(bench.binDir, 'pg_dump'), [large.name], bench.pgEnv, signal);
    await pgDump();
    const { first, second } = await inTurns(rounds, pgDump, (round) => {
      say(`backup: round ${round + 1} of ${rounds}`);
      return backUp(bench, large.name);
    });
    const baseline = median(first.map(({ ms }) => ms));
    const measured = median(second.map(({ ms }) => ms));
    const ofSmall = await backUp(bench, small.name);
    return [
      {
        subject: `backup of ${megabytes(large.bytes)}`,
        measured: seconds(measured),
        baseline: `pg_dump > /dev/null ${seconds(baseline)}`,
        ratio: measured / baseline,
        goal: '≤ 1.2',
      },
      ...compareMemory('backup', peak(second), peak([ofSmall]), bench),
    ];
  },
};

function backUp({ env, signal }: Bench, database: string): Promise<Run> {
  return runTool(['backup', '--quiet', '--database', database], env, signal);
}

export function peak(runs: readonly Run[]): number {
  return Math.max(...runs.map(({ peakBytes }) => peakBytes ?? Number.NaN));
}

export function compareMemory(what: string, ofLarge: number, ofSmall: number, { large, small }: Bench) {
  return [
    {
      subject: `${what}: peak memory`,
      measured: `${megabytes(ofLarge)} at ${megabytes(large.bytes)}`,
      baseline: `${megabytes(ofSmall)} at ${megabytes(small.bytes)}`,
      ratio: ofLarge / ofSmall,
      goal: '≤ 220 MB, ≤ 20 MB apart',
    },
  ];
}
