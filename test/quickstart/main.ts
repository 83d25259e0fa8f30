import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.ts';
import { runUntilSignal } from '../support/run-until-signal.ts';
import { startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { PROGRAM } from '../support/topobank-backup.ts';
import { type Servers, takeTour, tourEnv } from './tour.ts';

const USAGE = `Usage: npm run quickstart [-- --keep]

Starts a throwaway PostgreSQL and S3 server, fills a database like TopoBank's, backs it up, damages it, restores it,
and proves that nothing is missing. Ends and removes all of it.

  --keep   leave both servers running until Ctrl-C, and print what to export to play on`;

// The SDK's notice that Node 20 comes to its end is for this project's developers, not for whoever tries it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  if (options instanceof Error) {
    console.error(`quickstart: ${options.message}\n\n${USAGE}`);
    return 2;
  }
  const began = performance.now();
  let kept = false;
  return await runUntilSignal('quickstart', 'both servers are removed', async (signal) => {
    await withServers(signal, async (servers, directory) => {
      console.log(
        `PostgreSQL ${servers.postgres.version} on 127.0.0.1:${servers.postgres.port} and an S3 server on ${servers.s3.endpoint}, both in ${directory}.`,
      );
      await takeTour(servers, console.log, signal);
      if (options.keep) {
        printExports(servers);
        kept = true;
        await aborted(signal);
      }
    });
    console.log(
      kept
        ? 'Both servers are stopped and removed.'
        : `Done in ${((performance.now() - began) / 1000).toFixed(0)} s; both servers are stopped and removed.`,
    );
    return 0;
  });
}

function readOptions(args: string[]): { readonly keep: boolean } | 'help' | Error {
  try {
    const { values } = parseArgs({ args, options: { keep: { type: 'boolean' }, help: { type: 'boolean' } } });
    return values.help === true ? 'help' : { keep: values.keep === true };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Runs `work` with both servers in a temporary directory, and leaves nothing of them, however it ends. */
async function withServers(
  signal: AbortSignal,
  work: (servers: Servers, directory: string) => Promise<void>,
): Promise<void> {
  const directory = scratchDirectory('quickstart');
  try {
    const postgres = await startPostgres({ directory: directory.path, signal });
    try {
      const s3 = await startS3Server({ directory: join(directory.path, 's3') });
      try {
        await work({ postgres, s3 }, directory.path);
      } finally {
        await s3.close();
      }
    } finally {
      await postgres.stop();
    }
  } finally {
    directory.remove();
  }
}

function printExports(servers: Servers): void {
  const { port, user, password } = servers.postgres;
  console.log('\nBoth servers keep running. In another terminal:\n');
  for (const [name, value] of Object.entries(tourEnv(servers))) console.log(`export ${name}=${quote(value)}`);
  console.log(`alias topobank-backup=${quote(`${quote(process.execPath)} ${quote(PROGRAM)}`)}

  topobank-backup list
  psql postgresql://${user}:${password}@127.0.0.1:${port}/topobank

Ctrl-C here ends both and removes everything.`);
}

/** As a POSIX shell reads it. */
function quote(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // What is waited for keeps nothing busy, so the timer keeps the process alive.
    const alive = setInterval(() => {}, 60_000);
    const end = () => {
      clearInterval(alive);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
