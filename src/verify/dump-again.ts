import { runPgDump } from '../dump/pg-dump.ts';
import {
  type ClientBinary,
  type ClientTools,
  chooseClient,
  findClients,
} from '../postgres/client-binaries.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { readServerVersion } from '../postgres/facts.ts';
import type { StartProgress } from '../ui/progress.ts';
import { createDigester, type Digester, type DumpDigest } from './dump-digest.ts';

interface DumpingContext extends ClientTools {
  readonly database: Database;
  readonly startProgress: StartProgress;
}

/**
 * Dumps the scratch database of a drill in the way the original was dumped.
 *
 * @throws DatabaseError, DumpError, or the signal's reason
 */
export async function dumpAgain(
  context: DumpingContext,
  scratch: string,
  original: DumpDigest,
  signal: AbortSignal,
): Promise<DumpDigest> {
  const { database, startProgress } = context;
  const doing = `cannot dump database ${scratch} on ${database.server}`;
  const pgDump = await choosePgDump(context, scratch, original, doing, signal);
  const digester: Digester = createDigester(`of database ${scratch}`);
  const progress = startProgress('compare', original.index.bytes);
  try {
    const env = database.childEnv(scratch);
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

/**
 * The pg_dump of the major version that wrote the dump, if it is installed and supports the server: it writes the
 * same text.
 */
async function choosePgDump(
  { database, binDir, env }: DumpingContext,
  scratch: string,
  { index }: DumpDigest,
  doing: string,
  signal: AbortSignal,
): Promise<ClientBinary> {
  const server = await database.use(scratch, signal, (client) =>
    readServerVersion(client).catch((error: unknown) => {
      throw databaseError(doing, error);
    }),
  );
  const found = await findClients('pg_dump', binDir, env);
  const major = Number.parseInt(index.pgDumpVersion ?? '', 10);
  const alike = found.find((client) => client.major === major && major >= server.major);
  return alike ?? chooseClient('pg_dump', server.major, found);
}
