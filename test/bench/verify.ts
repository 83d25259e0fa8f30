import { fileURLToPath } from 'node:url';
import { compareMemory } from './backup.ts';
import { type Bench, inTurns, median, megabytes, type Subject, seconds } from './bench.ts';
import { backUp } from './databases.ts';
import { buildScript, type Run, runProcess, runTool, type ToolRun } from './run-process.ts';

const DOWNLOAD_ALONE = fileURLToPath(new URL('./download-alone.ts', import.meta.url));

/** A verification of every byte against a bare download by the same client; memory on the large and the small one. */
export const VERIFY: Subject = {
  name: 'verify',
  about: 'wall time over downloading the same dump alone, and peak memory at two sizes',
  async run(bench) {
    const { large, small, rounds, say } = bench;
    const downloadAlone = await buildScript(DOWNLOAD_ALONE, bench);
    say('verify: backing up both databases');
    for (const { name } of [large, small]) await backUp(bench, name, prefixOf(name));
    const { first, second } = await inTurns(
      rounds,
      () => downloading(bench, downloadAlone, large.name),
      (round) => {
        say(`verify: round ${round + 1} of ${rounds}`);
        return verifying(bench, large.name);
      },
    );
    const baseline = median(first.map(({ ms }) => ms));
    const measured = median(second.map(({ ms }) => ms));
    const ofSmall: ToolRun[] = [];
    for (let round = 0; round < rounds; round++) ofSmall.push(await verifying(bench, small.name));
    return [
      {
        subject: `verify of ${megabytes(large.bytes)}`,
        measured: seconds(measured),
        baseline: `download ${seconds(baseline)}`,
        ratio: measured / baseline,
        goal: '≤ 1.15',
        cpuMs: median(second.map(({ cpuMs }) => cpuMs)),
      },
      compareMemory('verify', second, ofSmall, bench),
    ];
  },
};

function prefixOf(database: string): string {
  return `verify-${database}/`;
}

function verifying({ env, signal }: Bench, database: string): Promise<ToolRun> {
  return runTool(['verify', '--quiet', '--database', database, '--prefix', prefixOf(database)], env, signal);
}

function downloading({ env, signal }: Bench, script: string, database: string): Promise<Run> {
  const { PATH, HOME } = process.env;
  const all = { PATH, HOME, ...env, S3_PREFIX: prefixOf(database) };
  return runProcess(process.execPath, [script], all, signal);
}
