import type pg from 'pg';
import { copyOut } from '../postgres/copy-out.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import type { Relations } from '../postgres/relations.ts';
import { exportSnapshot, joinSnapshot } from '../postgres/snapshot.ts';
import { describeStandby, readStandby } from '../postgres/standby.ts';
import type { Logger } from '../ui/log.ts';
import type { FindingSink } from './finding.ts';
import { type JoinContext, joinBucket } from './join-bucket.ts';
import type { KeptBackup } from './kept-media.ts';
import { openProtectors, protectOrphans, type UnreadBackup } from './protect.ts';
import { type Lookups, resolveCandidates } from './resolve-candidates.ts';
import { referenceQuery } from './rows/reference-query.ts';
import { seeAllRows, sortInMemory } from './rows/reference-session.ts';
import { readReferences } from './rows/references.ts';
import { readLabelled, readVersions } from './rows/row-lookup.ts';
import { inspectDatabase } from './sources/inspect-database.ts';
import { assertSources, tablesOfSeveral } from './sources/match-sources.ts';
import type { ReferenceSource } from './sources/reference-sources.ts';
import { createTally, type Summary } from './tally.ts';

/** The two sides of an audit, rows and objects, and the rules for judging them. */
export interface AuditContext extends JoinContext {
  readonly database: Database;
  /** Sources in addition to TopoBank's own. */
  readonly ownSources: readonly ReferenceSource[];
  /** Age in milliseconds up to which a row may lack its object and an object its row. */
  readonly graceMs: number;
  /** Returns the existing backups; called just before the bucket is listed. */
  readonly keptBackups: (signal: AbortSignal) => Promise<readonly KeptBackup[]>;
  /** Called with why rows of a table cannot be read, see {@link Matched}; may throw. Without it, that is logged. */
  readonly onUnread?: (problem: string) => void;
  readonly log: Logger;
}

/** The totals of an audit; the findings themselves go to its sink. */
export interface AuditReport extends Summary {
  /** When the rows were read, ISO 8601 UTC. */
  readonly at: string;
  readonly database: string;
  readonly bucket: string;
  /** Prefix of the media. */
  readonly prefix: string;
  /** See {@link Matched}. */
  readonly era: string | null;
  /** Backups whose needs are unknown, so that an orphan may be theirs. */
  readonly unread: readonly UnreadBackup[];
  /** Why rows of tables cannot be read, so that an orphan may be theirs; see {@link Matched}. */
  readonly unreadTables: readonly string[];
}

/** Whether an audit has read all rows that may own objects, and nothing is dangling or orphaned. */
export function agrees({
  totals: { dangling, orphan },
  unreadTables = [],
}: Pick<Summary, 'totals'> & Partial<Pick<AuditReport, 'unreadTables'>>): boolean {
  return (dangling?.count ?? 0) + (orphan?.count ?? 0) + unreadTables.length === 0;
}

/**
 * Joins the rows of a database with the objects of a bucket. The bucket is listed after the database snapshot is
 * taken, so an object that is not listed either was already missing or had its row changed since; the row is looked
 * up again to find out which.
 *
 * @throws ConfigError if no row is known to own any object, DatabaseError, StoreError, or the signal's reason
 */
export async function auditMedia(
  context: AuditContext,
  sink: FindingSink,
  signal: AbortSignal,
): Promise<AuditReport> {
  const { database, store, mediaPrefix, log, onUnread = tellUnread(log) } = context;
  try {
    return await withConnections(database, signal, async ({ held, copying, fresh }) => {
      const snapshot = await exportSnapshot(held);
      await joinSnapshot(copying, snapshot);
      const { matched, relations, serverEncoding } = await inspectDatabase(held, context.ownSources);
      assertSources(matched, 'database');
      for (const tables of tablesOfSeveral(matched))
        log.warn(`several schemas have a table of this name, and the rows of each count: ${tables}`);
      for (const problem of matched.unread) onUnread(problem);
      const standby = await readStandby(held);
      if (standby !== undefined)
        log.warn(`${describeStandby(standby)}: rows that it lacks may own some orphans`);
      for (const client of [held, copying, fresh]) await seeAllRows(client, serverEncoding);
      await sortInMemory(copying);

      const unread: UnreadBackup[] = [];
      const protectors = openProtectors(
        await context.keptBackups(signal),
        (backup) => {
          unread.push(backup);
          log.warn(`cannot determine which media backup ${backup.id} needs: ${backup.problem}`);
        },
        signal,
      );
      const tally = createTally(mediaPrefix, []);
      const cutoff = new Date(Date.parse(snapshot.at) - context.graceMs);
      const sql = referenceQuery(matched.sources, { mediaPrefix, cutoff, serverEncoding });
      const rows = copyOut(database, copying, `COPY (${sql}) TO STDOUT`);
      const references = readReferences(rows, matched.sources);
      const candidates = joinBucket(context, references, { tally, cutoff }, signal);
      const lookups = lookUpRows({ held, fresh, relations }, context, signal);
      for await (const batch of resolveCandidates(protectOrphans(candidates, protectors), lookups)) {
        tally.findings(batch);
        await sink.write(batch);
      }

      const summary = tally.summary();
      warnIfElsewhere(context, summary);
      return {
        at: snapshot.at,
        database: database.name,
        bucket: store.bucket,
        prefix: mediaPrefix,
        era: matched.era,
        unread,
        unreadTables: matched.unread,
        ...summary,
      };
    });
  } catch (error) {
    signal.throwIfAborted();
    throw databaseError(`cannot audit database ${database.name} on ${database.server}`, error);
  }
}

/** If only rows or only objects are found, the others are probably not those that belong to them. */
function warnIfElsewhere({ database, store, mediaPrefix, log }: AuditContext, summary: Summary): void {
  const { objects, references, prefixes } = summary;
  if (objects === 0 && references > 0)
    log.warn(`bucket ${store.bucket} has no object under ${mediaPrefix}: check AWS_MEDIA_PREFIX`);
  if (objects > 0 && references + prefixes === 0)
    log.warn(`no row of database ${database.name} owns any object: check POSTGRES_DB and POSTGRES_HOST`);
}

function tellUnread(log: Logger): (problem: string) => void {
  return (problem) =>
    log.warn(
      `some orphans may be owned by rows that cannot be read, so none can be moved to quarantine: ${problem}`,
    );
}

/** The connections that an audit uses at the same time. */
interface Connections {
  /** Holds the snapshot; rows are looked up in it. */
  readonly held: pg.Client;
  /** Sends the references from the same snapshot. */
  readonly copying: pg.Client;
  /** Reads rows as they are now. */
  readonly fresh: pg.Client;
}

function withConnections<T>(
  database: Database,
  signal: AbortSignal,
  work: (connections: Connections) => Promise<T>,
): Promise<T> {
  const connect = (next: (client: pg.Client) => Promise<T>) => database.use(database.name, signal, next);
  return connect((held) => connect((copying) => connect((fresh) => work({ held, copying, fresh }))));
}

function lookUpRows(
  connections: Pick<Connections, 'held' | 'fresh'> & { readonly relations: Relations },
  { store, mediaPrefix }: AuditContext,
  signal: AbortSignal,
): Lookups {
  const { held, fresh, relations } = connections;
  return {
    inSnapshot: (source, ids) => readLabelled(held, source, mediaPrefix, ids, relations),
    now: (source, ids) => readVersions(fresh, source, mediaPrefix, ids),
    objectExists: async (key) => (await store.head(key, signal)) !== undefined,
  };
}
