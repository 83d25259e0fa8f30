import { join } from 'node:path';
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
import { removeBackups } from './databases.ts';
import { runProcess, runTool, type ToolRun } from './run-process.ts';

/**
 * A backup of the large database against pg_dump into nothing, without the list of media, for which pg_dump reads no
 * row; memory with that list, on the large and the small one.
 */
export const BACKUP: Subject = {
  name: 'backup',
  about:
    'wall time without the list of media over `pg_dump > /dev/null`, and peak memory with it at two sizes',
  async run(bench) {
    const { large, small, rounds, signal, say } = bench;
    const pgDump = () => runProcess(join(bench.binDir, 'pg_dump'), [large.name], bench.pgEnv, signal);
    await pgDump();
    const { first, second } = await inTurns(rounds, pgDump, (round) => {
      say(`backup: round ${round + 1} of ${rounds}`);
      return backUp(bench, large.name, { MEDIA_MANIFEST: 'off' });
    });
    const baseline = median(first.map(({ ms }) => ms));
    const measured = median(second.map(({ ms }) => ms));
    const { first: ofLarge, second: ofSmall } = await inTurns(
      rounds,
      () => backUp(bench, large.name),
      () => backUp(bench, small.name),
    );
    return [
      {
        subject: `backup of ${megabytes(large.bytes)}`,
        measured: seconds(measured),
        baseline: `pg_dump > /dev/null ${seconds(baseline)}`,
        ratio: measured / baseline,
        goal: '≤ 1.2',
        cpuMs: median(second.map(({ cpuMs }) => cpuMs)),
      },
      compareMemory('backup', ofLarge, ofSmall, bench),
    ];
  },
};

/** Takes a backup and removes it, so that the disk holds one at a time. */
async function backUp(
  { env, signal }: Bench,
  database: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ToolRun> {
  const run = await runTool(['backup', '--quiet', '--database', database], { ...env, ...settings }, signal);
  await removeBackups(env, signal);
  return run;
}

/** The most that any run has had, at both sizes: the moments at which garbage is collected differ. */
export function compareMemory(
  what: string,
  ofLarge: readonly ToolRun[],
  ofSmall: readonly ToolRun[],
  { large, small }: Bench,
): Finding {
  const [most, least] = [ofLarge, ofSmall].map((runs) => largest(runs.map(({ peakBytes }) => peakBytes)));
  const show = (peak: number | undefined, bytes: number) =>
    peak === undefined ? 'not measured' : `${megabytes(peak)} at ${megabytes(bytes)}`;
  return {
    subject: `${what}: peak memory`,
    measured: show(most, large.bytes),
    baseline: show(least, small.bytes),
    ratio: most === undefined || least === undefined ? undefined : most / least,
    goal: '≤ 220 MB, ≤ 20 MB apart',
  };
}
