import { type DumpIndex, majorOf } from '../dump/dump-index.ts';
import { runPgDump } from '../dump/pg-dump.ts';
import {
  type ClientBinary,
  type ClientTools,
  chooseClient,
  findClients,
} from '../postgres/client-binaries.ts';
import type { Database } from '../postgres/database.ts';
import type { StartProgress } from '../ui/progress.ts';
import { createDigester, type Digester, type DumpDigest } from './dump-digest.ts';

/** Chooses the pg_dump that dumps a database again, by what is known of its first dump. */
export type ChoosePgDump = (original: Pick<DumpIndex, 'pgDumpVersion'>) => ClientBinary;

/**
 * Looks for what can dump a database of this server: the pg_dump of the major version that wrote the first dump, if
 * it is installed and supports the server, because it writes the same text; else as {@link chooseClient} does.
 *
 * @throws DatabaseError if no pg_dump on this machine supports the server
 */
export async function findPgDumps(serverMajor: number, { binDir, env }: ClientTools): Promise<ChoosePgDump> {
  const found = await findClients('pg_dump', binDir, env);
  const fallback = chooseClient(serverMajor, found);
  return ({ pgDumpVersion }) => {
    const major = majorOf(pgDumpVersion);
    return found.find((each) => each.major === major && each.major >= serverMajor) ?? fallback;
  };
}

/**
 * Dumps the scratch database of a drill in the way the original was dumped.
 *
 * @param timeZone in which times are written; undefined for that of the session
 * @throws DatabaseError, DumpError, or the signal's reason
 */
export async function dumpAgain(
  context: { readonly database: Database; readonly startProgress: StartProgress },
  scratch: string,
  original: DumpDigest,
  choosePgDump: ChoosePgDump,
  timeZone: string | undefined,
  signal: AbortSignal,
): Promise<DumpDigest> {
  const { database, startProgress } = context;
  const doing = `cannot dump database ${scratch} on ${database.server}`;
  const pgDump = choosePgDump(original.index);
  const digester: Digester = createDigester(`of database ${scratch}`);
  const progress = startProgress('compare', original.index.bytes);
  try {
    const zone = timeZone === undefined ? {} : { PGTZ: timeZone };
    const env = { ...database.childEnv(scratch), ...zone };
    const { encoding } = original.index;
    const args = encoding === undefined ? [] : [`--encoding=${encoding}`];
    for await (const chunk of runPgDump(pgDump.path, args, { doing, env }, signal)) {
      digester.push(chunk);
      progress.add(chunk.length);
    }
    return digester.end();
  } finally {
    progress.stop();
  }
}
