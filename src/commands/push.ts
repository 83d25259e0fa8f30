import { pushDump } from '../backup/push-dump.ts';
import { EXIT } from '../errors.ts';
import { formatContents } from '../ui/format.ts';
import { PUSH_GROUPS } from './groups.ts';
import { type Invocation, openSession, withStore } from './session.ts';

/** `push FILE`: stores a local dump as a backup. */
export async function run(invocation: Invocation, file: string): Promise<number> {
  const session = openSession(invocation, PUSH_GROUPS);
  const { config, now, log, startProgress } = session;
  const { prefix, maxParts, partsInFlight, binDir } = config;
  const { env, tool, signal } = invocation;
  const manifest = await withStore(session, (store) =>
    pushDump(
      { store, prefix, maxParts, partsInFlight, binDir, env, tool, now, log, startProgress },
      file,
      signal,
    ),
  );
  const { id, key, bytes, tables } = manifest;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  session.print(
    { id, key, bytes, tables: tables.length, rows },
    `backup ${id}: ${formatContents({ bytes, tables: tables.length, rows })}\n${key} in bucket ${config.bucket}`,
  );
  return EXIT.done;
}
