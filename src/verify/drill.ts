import { compareIndex } from '../catalog/compare-index.ts';
import { databaseOf } from '../catalog/manifest.ts';
import { runPgDump } from '../dump/pg-dump.ts';
import { DumpError, RestoreError } from '../errors.ts';
import {
  type ClientBinary,
  type ClientTools,
  chooseClient,
  findClients,
} from '../postgres/client-binaries.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { readServerVersion } from '../postgres/facts.ts';
import { applySettings } from '../restore/apply-facts.ts';
import { fillDatabase } from '../restore/fill-database.ts';
import { freeNames } from '../restore/names.ts';
import { planRestore, type RestorePlan } from '../restore/plan.ts';
import { type KnownDump, knowDump } from '../restore/prove-dump.ts';
import { findDatabases } from '../restore/restore-target.ts';
import { createScratch, dropScratch } from '../restore/scratch.ts';
import type { RestoreSource } from '../restore/source.ts';
import { isOfServer } from '../restore/whose-fault.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { type ByteTools, checkBytes } from './check-bytes.ts';
import { createDigester, type Digester, type DumpDigest } from './dump-digest.ts';
import { checkedOf, type Evidence } from './evidence.ts';
import { judgeDrill } from './judge-drill.ts';

export interface DrillContext extends ClientTools, ByteTools {
  /** The server on which a scratch database is made. */
  readonly database: Database;
  readonly now: () => Date;
  readonly log: Logger;
}

/**
 * Restores a dump into a scratch database, in the order of its rows, dumps that one again, and compares the two. The
 * scratch database is gone afterwards, whatever happens; `restore` recognises one that a killed drill has left.
 *
 * @throws DatabaseError, StoreError, or RestoreError for what the server lacks, when it cannot be tried; or the signal's
 * reason
 */
export async function drill(
  context: DrillContext,
  source: RestoreSource,
  signal: AbortSignal,
): Promise<Evidence> {
  const { database, log } = context;
  const name = databaseOf(source) ?? database.name;
  const admin = database.maintenanceName;
  const dump = await knowUnlessRefused(source, context.startProgress, signal);
  if (dump instanceof DumpError || dump instanceof RestoreError) {
    return explainRefusal(dump, source, context, signal);
  }
  const { scratch, plan } = await database.use(admin, signal, async (client) => {
    const { traces, taken } = await findDatabases(client, name);
    for (const { problem, remedy } of traces) log.warn(`${problem}; ${remedy}`);
    const { scratch } = freeNames(name, context.now(), taken);
    const plan = await planRestore(client, source, dump, {
      name,
      scratch,
      noOwner: false,
      ownersRequired: true,
      log,
    });
    return { scratch, plan };
  });
  await createScratch(database, scratch, plan.creation);
  try {
    signal.throwIfAborted();
    return await restoreAndCompare(context, source, { scratch, plan }, signal);
  } finally {
    await dropScratch(database, scratch, log);
  }
}

/** @returns why it cannot be restored, where that shows before it is tried */
async function knowUnlessRefused(
  source: RestoreSource,
  startProgress: StartProgress,
  signal: AbortSignal,
): Promise<KnownDump | DumpError | RestoreError> {
  try {
    return await knowDump(source, startProgress, signal);
  } catch (error) {
    if (error instanceof DumpError || error instanceof RestoreError) return error;
    throw error;
  }
}

async function restoreAndCompare(
  context: DrillContext,
  source: RestoreSource,
  { scratch, plan }: { readonly scratch: string; readonly plan: RestorePlan },
  signal: AbortSignal,
): Promise<Evidence> {
  const { database, log } = context;
  const { name, manifest } = source;
  await database.use(database.maintenanceName, signal, (client) =>
    applySettings(client, plan.traits.before, log),
  );
  const digester = createDigester(name);
  let original: DumpDigest | undefined;
  const watched: RestoreSource = {
    ...source,
    async *read(by) {
      for await (const chunk of source.read(by)) {
        digester.push(chunk);
        yield chunk;
      }
      original = digester.end();
    },
  };
  log.info(`restoring ${name} into ${scratch} on ${database.server}`);
  try {
    const options = { scratch, noOwner: false, rowsInOrder: true };
    await fillDatabase(context, watched, options, signal);
  } catch (error) {
    if (!(error instanceof RestoreError || error instanceof DumpError)) throw error;
    return explainRefusal(error, source, context, signal);
  }
  if (original === undefined) throw new Error('the dump was restored without being read to its end');
  const { index } = original;
  // What was restored has to be what was dumped, before it can be said what the server has made of it.
  if (manifest !== undefined && compareIndex(manifest, index).length > 0) {
    return { ...(await checkBytes(source, context, signal)), foundBy: 'full' };
  }
  const restored = await dumpAgain(context, scratch, original, signal);
  return { checked: checkedOf(index), ...judgeDrill({ original, restored, manifest }) };
}

/**
 * Where the bytes are other ones than were dumped, that is why the server refused them.
 *
 * @throws RestoreError when the server could not take any dump of this kind
 */
async function explainRefusal(
  error: RestoreError | DumpError,
  source: RestoreSource,
  tools: ByteTools,
  signal: AbortSignal,
): Promise<Evidence> {
  const found = await checkBytes(source, tools, signal);
  const isDamaged = found.faults.length > 0;
  if (error instanceof DumpError && isDamaged) return { ...found, foundBy: 'full' };
  if (error instanceof RestoreError && !isDamaged && isOfServer(error)) {
    throw new RestoreError({
      doing: `cannot try to restore ${source.name}`,
      problem: error.problem,
      remedy: 'make sure the server of the drill can restore it, or set VERIFY_DATABASE_URL to another one',
      cause: error.cause,
    });
  }
  const refused = { what: 'restore', where: '', expected: 'a dump that the server accepts' } as const;
  const faults = [...found.faults, { ...refused, found: error.problem }];
  return { ...found, faults, ...(isDamaged ? { foundBy: 'full' } : {}) };
}

async function dumpAgain(
  context: DrillContext,
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

/** The one of the major version that has written the dump, where it is here and knows the server: it writes alike. */
async function choosePgDump(
  { database, binDir, env }: DrillContext,
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
