import type pg from 'pg';
import { mediaKey } from '../catalog/backup-name.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { runPgDump } from '../dump/pg-dump.ts';
import { type MediaSettings, recordMedia } from '../media/record-media.ts';
import { asked } from '../postgres/ask.ts';
import {
  type ClientBinary,
  type ClientTools,
  chooseClient,
  findClients,
} from '../postgres/client-binaries.ts';
import type { Database } from '../postgres/database.ts';
import { type DumpSession, readDumpSession } from '../postgres/dump-session.ts';
import {
  type DatabaseFacts,
  readDatabaseFacts,
  readMigrations,
  readServerVersion,
} from '../postgres/facts.ts';
import { exportSnapshot, type Snapshot } from '../postgres/snapshot.ts';
import { formatBytes, formatVersion } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { claimFreeId } from './claim-id.ts';
import { type DumpDestination, type Provenance, storeDump } from './store-dump.ts';
import { tellStandby } from './tell-standby.ts';
import { tellWaiting } from './tell-waiting.ts';

/** What taking a backup needs. */
export interface BackupContext extends DumpDestination, ClientTools {
  readonly database: Database;
  /** Name and version of this program. */
  readonly tool: string;
  readonly now: () => Date;
  readonly log: Logger;
  readonly startProgress: StartProgress;
  /** How to record the media that rows name; undefined if they are not recorded. */
  readonly media: MediaSettings | undefined;
}

/**
 * Dumps the database as of one snapshot straight into the store, with the list of its media beside it. The backup is
 * listed once this returns; if it throws, nothing of it is left.
 *
 * @throws DatabaseError, StoreError, or the signal's reason
 */
export async function takeBackup(context: BackupContext, signal: AbortSignal): Promise<Manifest> {
  const { database, store, prefix, maxParts, now, log } = context;
  const doing = `cannot back up database ${database.name} on ${database.server}`;
  return database.use(database.name, signal, async (client) => {
    const examined = await examine(client, context, doing);
    const { facts, server, pgDump, startedAt, snapshot } = examined;
    const { id, upload } = await claimFreeId(context, startedAt, signal);
    log.info(
      `backing up ${database.name} (${formatBytes(facts.bytes)}, PostgreSQL ${formatVersion(server.version)}) as ${id} with pg_dump ${formatVersion(pgDump.version)}`,
    );

    const progress = context.startProgress('backup', facts.bytes);
    const media =
      context.media &&
      recordMedia(
        { ...context.media, database, store, maxParts, log },
        snapshot,
        mediaKey(prefix, id),
        signal,
      );
    const application = `topobank-backup ${id}`;
    const dump = runPgDump(
      pgDump.path,
      // Otherwise settings of the role, the database or the environment would choose the encoding.
      [`--snapshot=${snapshot.id}`, `--encoding=${facts.encoding}`],
      {
        doing,
        env: { ...database.childEnv(database.name), PGAPPNAME: application },
        warn: (said) => log.warn(`pg_dump: ${said}`),
      },
      signal,
    );
    try {
      return await storeDump(
        context,
        tellWaiting(dump, { database, application, log }, signal),
        provenanceOf(examined, id, context.tool),
        { upload, name: `of database ${database.name}`, media, now, progress, log, signal },
      );
    } catch (error) {
      await media?.abort();
      throw error;
    } finally {
      progress.stop();
    }
  });
}

/** What is known of a database before it is dumped. */
interface Examined {
  readonly server: { readonly version: string };
  readonly pgDump: ClientBinary;
  readonly startedAt: Date;
  readonly snapshot: Snapshot;
  readonly session: DumpSession;
  readonly facts: DatabaseFacts;
  readonly migrations: Record<string, string>;
}

/** Exports the snapshot, which lasts as long as the connection, and reads from it what the dump will not say. */
async function examine(client: pg.Client, context: BackupContext, doing: string): Promise<Examined> {
  const { database, binDir, env, now, log } = context;
  const server = await asked(doing, readServerVersion(client));
  const pgDump = chooseClient(server.major, await findClients('pg_dump', binDir, env));
  const startedAt = now();
  const snapshot = await asked(doing, exportSnapshot(client));
  const session = await asked(doing, readDumpSession(client, env));
  const facts = await asked(doing, readDatabaseFacts(client, database.name));
  if (facts === undefined) throw new Error('the server does not know the database that it serves');
  const migrations = await asked(doing, readMigrations(client));
  await asked(doing, tellStandby(client, log));
  return { server, pgDump, startedAt, snapshot, session, facts, migrations };
}

/** As the manifest records it. */
function provenanceOf(examined: Examined, id: string, tool: string): Provenance {
  const { startedAt, snapshot, session, facts, migrations } = examined;
  return {
    id,
    startedAt: startedAt.toISOString(),
    tool,
    database: {
      ...facts,
      settings: [...facts.settings],
      acl: facts.acl === null ? null : [...facts.acl],
    },
    snapshot,
    session,
    migrations,
  };
}
