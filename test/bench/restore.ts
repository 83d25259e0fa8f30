import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withClient } from '../support/database.ts';
import { compareMemory } from './backup.ts';
import { type Bench, inTurns, median, megabytes, type Subject, seconds } from './bench.ts';
import { backUp, dropAndSettle } from './databases.ts';
import { type Run, runProcess, runTool, type ToolRun } from './run-process.ts';

const RESTORED = 'bench_restored';

/** Connections of a wide restore, and of pg_restore beside it. */
const JOBS = 2;

/**
 * A restore of the large database against psql with the same file, over one connection and over two, and against
 * pg_restore with as many; memory on the large and the small one.
 */
export const RESTORE: Subject = {
  name: 'restore',
  about: 'wall time over `psql -f` of the same file and over `pg_restore -j2`, and peak memory at two sizes',
  async run(bench) {
    const { large, small, rounds, say } = bench;
    say('restore: backing up both databases');
    for (const { name } of [large, small]) await backUp(bench, name, prefixOf(name));
    const file = await fetchDump(bench, large.name);
    const directory = await dumpDirectory(bench, large.name);
    const { first, second } = await inTurns(
      rounds,
      () => replaying(bench, file),
      async (round) => {
        say(`restore: round ${round + 1} of ${rounds}`);
        return {
          serial: await restoring(bench, large.name, 1),
          pgRestore: await restoringDirectory(bench, directory),
          wide: await restoring(bench, large.name, JOBS),
        };
      },
    );
    const psql = median(first.map(({ ms }) => ms));
    const pgRestore = median(second.map((round) => round.pgRestore.ms));
    const ofSmall: ToolRun[] = [];
    for (let round = 0; round < rounds; round++) ofSmall.push(await restoring(bench, small.name, JOBS));
    const serial = second.map((round) => round.serial);
    const wide = second.map((round) => round.wide);
    const compare = (jobs: number, runs: readonly ToolRun[], against: string, ms: number, goal: string) => ({
      subject: `restore --jobs ${jobs} of ${megabytes(large.bytes)}`,
      measured: seconds(median(runs.map((run) => run.ms))),
      baseline: `${against} ${seconds(ms)}`,
      ratio: median(runs.map((run) => run.ms)) / ms,
      goal,
      cpuMs: median(runs.map(({ cpuMs }) => cpuMs)),
    });
    return [
      compare(1, serial, 'psql -f', psql, '≤ 1.05'),
      compare(JOBS, wide, 'psql -f', psql, '≤ 0.65'),
      compare(JOBS, wide, `pg_restore -j${JOBS}`, pgRestore, '≤ 0.85'),
      compareMemory('restore', wide, ofSmall, bench),
    ];
  },
};

function prefixOf(database: string): string {
  return `restore-${database}/`;
}

async function fetchDump({ env, directory, signal }: Bench, database: string): Promise<string> {
  const folder = join(directory, 'fetched');
  await runTool(['fetch', 'latest', folder, '--quiet', '--prefix', prefixOf(database)], env, signal);
  const [file] = await readdir(folder);
  if (file === undefined) throw new Error('fetch left no file');
  return join(folder, file);
}

/** A dump in pg_dump's directory format, which is the one that several connections restore. */
async function dumpDirectory({ pgEnv, binDir, directory, signal }: Bench, database: string): Promise<string> {
  const folder = join(directory, 'directory-format');
  const args = ['--format=directory', '--compress=0', '--file', folder, database];
  await runProcess(join(binDir, 'pg_dump'), args, pgEnv, signal);
  return folder;
}

function replaying(bench: Bench, file: string): Promise<Run> {
  return intoNew(bench, async () => {
    await createRestored(bench);
    const args = ['--quiet', '--no-psqlrc', '--set=ON_ERROR_STOP=1', '--file', file, RESTORED];
    return runProcess(join(bench.binDir, 'psql'), args, bench.pgEnv, bench.signal);
  });
}

function restoringDirectory(bench: Bench, folder: string): Promise<Run> {
  return intoNew(bench, async () => {
    await createRestored(bench);
    const args = ['--exit-on-error', `--jobs=${JOBS}`, '--dbname', RESTORED, folder];
    return runProcess(join(bench.binDir, 'pg_restore'), args, bench.pgEnv, bench.signal);
  });
}

function restoring(bench: Bench, database: string, jobs: number): Promise<ToolRun> {
  // Neither psql nor pg_restore looks at media.
  const args = [
    'restore',
    '--latest',
    '--no-audit',
    '--into',
    RESTORED,
    '--quiet',
    '--prefix',
    prefixOf(database),
  ];
  return intoNew(bench, () =>
    runTool([...args, '--jobs', `${jobs}`, '--database', database], bench.env, bench.signal),
  );
}

async function createRestored({ env }: Bench): Promise<void> {
  await withClient(env, 'postgres', (client) =>
    client.query(`CREATE DATABASE ${RESTORED} TEMPLATE template0`),
  );
}

async function intoNew<T>(bench: Bench, restore: () => Promise<T>): Promise<T> {
  try {
    return await restore();
  } finally {
    await dropAndSettle(bench.env, RESTORED);
  }
}
