import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withClient } from '../support/database.ts';
import { compareMemory } from './backup.ts';
import { type Bench, inTurns, median, megabytes, type Subject, seconds } from './bench.ts';
import { dropAndSettle } from './databases.ts';
import { type Run, runProcess, runTool, type ToolRun } from './run-process.ts';

const RESTORED = 'bench_restored';

/** A restore of the large database against psql with the same file; memory on the large and the small one. */
export const RESTORE: Subject = {
  name: 'restore',
  about: 'wall time over `psql -f` of the same file, and peak memory at two sizes',
  async run(bench) {
    const { large, small, rounds, say } = bench;
    say('restore: backing up both databases');
    for (const { name } of [large, small]) await backUp(bench, name);
    const file = await fetchDump(bench, large.name);
    const { first, second } = await inTurns(
      rounds,
      () => replaying(bench, file),
      (round) => {
        say(`restore: round ${round + 1} of ${rounds}`);
        return restoring(bench, large.name);
      },
    );
    const baseline = median(first.map(({ ms }) => ms));
    const measured = median(second.map(({ ms }) => ms));
    const ofSmall: ToolRun[] = [];
    for (let round = 0; round < rounds; round++) ofSmall.push(await restoring(bench, small.name));
    return [
      {
        subject: `restore of ${megabytes(large.bytes)}`,
        measured: seconds(measured),
        baseline: `psql -f ${seconds(baseline)}`,
        ratio: measured / baseline,
        goal: '≤ 1.05',
        cpuMs: median(second.map(({ cpuMs }) => cpuMs)),
      },
      compareMemory('restore', second, ofSmall, bench),
    ];
  },
};

function prefixOf(database: string): string {
  return `restore-${database}/`;
}

async function backUp({ env, signal }: Bench, database: string): Promise<void> {
  const args = ['backup', '--quiet', '--database', database, '--prefix', prefixOf(database)];
  await runTool(args, env, signal);
}

async function fetchDump({ env, directory, signal }: Bench, database: string): Promise<string> {
  const folder = join(directory, 'fetched');
  await runTool(['fetch', 'latest', folder, '--quiet', '--prefix', prefixOf(database)], env, signal);
  const [file] = await readdir(folder);
  if (file === undefined) throw new Error('fetch left no file');
  return join(folder, file);
}

function replaying(bench: Bench, file: string): Promise<Run> {
  return intoNew(bench, async () => {
    await withClient(bench.env, 'postgres', (client) =>
      client.query(`CREATE DATABASE ${RESTORED} TEMPLATE template0`),
    );
    const args = ['--quiet', '--no-psqlrc', '--set=ON_ERROR_STOP=1', '--file', file, RESTORED];
    return runProcess(join(bench.binDir, 'psql'), args, bench.pgEnv, bench.signal);
  });
}

function restoring(bench: Bench, database: string): Promise<ToolRun> {
  const args = ['restore', '--latest', '--into', RESTORED, '--quiet', '--prefix', prefixOf(database)];
  return intoNew(bench, () => runTool([...args, '--database', database], bench.env, bench.signal));
}

async function intoNew<T>(bench: Bench, restore: () => Promise<T>): Promise<T> {
  try {
    return await restore();
  } finally {
    await dropAndSettle(bench.env, RESTORED);
  }
}
