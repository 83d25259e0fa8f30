import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import type { DumpSource } from '../catalog/dump-source.ts';
import { databaseOf, type Manifest } from '../catalog/manifest.ts';
import { faultLine } from '../catalog/verification.ts';
import { type DumpIndex, type KnownDump, majorOf } from '../dump/dump-index.ts';
import { DatabaseError, DumpError, RestoreError, withRemedy } from '../errors.ts';
import { asked } from '../postgres/ask.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import { administer } from '../postgres/database.ts';
import { beginningWith } from '../postgres/dump-session.ts';
import { errorCode } from '../postgres/errors.ts';
import { readServerVersion } from '../postgres/facts.ts';
import { SQLSTATE } from '../postgres/sqlstate.ts';
import { prepareScratch } from '../restore/apply-facts.ts';
import { freeNames } from '../restore/databases/database-names.ts';
import { findDatabases } from '../restore/databases/find-target.ts';
import { createScratch, dropScratch } from '../restore/databases/scratch.ts';
import type { ServerContext } from '../restore/databases/server-context.ts';
import { fillDatabase } from '../restore/fill-database.ts';
import { planRestore, type RestorePlan } from '../restore/plan-restore.ts';
import { knowDump } from '../restore/prove-dump.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { watched } from '../watched.ts';
import { alteredOnItsWay, type ByteTools, checkBytes } from './check-bytes.ts';
import { compareCheckpoints } from './compare-checkpoints.ts';
import { compareHeadings } from './compare-headings.ts';
import { type ChoosePgDump, dumpAgain, findPgDumps } from './dump-again.ts';
import { createDigester, type DumpDigest } from './dump-digest.ts';
import { checkedOf, type Evidence } from './evidence.ts';
import { explainRefusal } from './explain-refusal.ts';
import { type BytesHashed, hashBytes } from './hash-bytes.ts';
import { judgeDrill } from './judge-drill.ts';
import { OTHER_ZONE, refuseUnknownZone } from './unknown-zone.ts';

/** What it takes; the scratch database is created on the server of its `database`. */
interface DrillContext extends ServerContext, ClientTools, ByteTools {
  readonly now: () => Date;
}

/**
 * Restores a dump into a scratch database, keeping the order of its rows, dumps that database again, and compares the
 * two dumps. The scratch database is dropped afterwards, whatever happens; `restore` recognizes one left by a drill
 * that was killed.
 *
 * @throws DatabaseError, StoreError, or RestoreError for what the server or the role lacks, if the drill cannot be done;
 * or the signal's reason
 */
export async function drill(
  context: DrillContext,
  source: DumpSource,
  signal: AbortSignal,
): Promise<Evidence> {
  const { database, log } = context;
  const name = databaseOf(source) ?? database.name;
  const dump = await knowUnlessRefused(source, context.startProgress, signal);
  if (dump instanceof DumpError || dump instanceof RestoreError) {
    return explainRefusal(dump, source, context, signal);
  }
  const prepared = await administer(database, signal, async (client) => {
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
    const { major } = await asked(`cannot try to restore ${source.name}`, readServerVersion(client));
    // Without one a drill cannot end, and the restore would be for nothing.
    return { scratch, plan, choosePgDump: await findPgDumps(major, context), serverMajor: major };
  });
  const { scratch, plan, serverMajor } = prepared;
  await createScratch(context, scratch, plan.creation).catch((error: unknown) => {
    throw notOnStandby(error);
  });
  let failure: unknown;
  let outcome: Outcome;
  try {
    signal.throwIfAborted();
    outcome = await restoreAndCompare(context, source, prepared, signal);
    if (outcome.kind === 'refused') failure = outcome.error;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    await dropScratch(context, scratch, failure);
  }
  if (outcome.kind === 'compared') return outcome.evidence;
  const refused = {
    read: outcome.read,
    dumpedBy: majorOf(dump.serverVersion),
    refusedBy: serverMajor,
    lack: plan.lack,
  };
  return explainRefusal(outcome.error, source, context, signal, refused);
}

/** A backup may be of a standby, and then the drill needs another server, not the backup. */
function notOnStandby(error: unknown): unknown {
  const isOfStandby =
    error instanceof DatabaseError && errorCode(error.cause) === SQLSTATE.readOnlySqlTransaction;
  return isOfStandby ? withRemedy(error, 'set VERIFY_DATABASE_URL to a server that is no standby') : error;
}

/** What is settled before the scratch database is created. */
interface Prepared {
  readonly scratch: string;
  readonly plan: RestorePlan;
  readonly choosePgDump: ChoosePgDump;
}

/** The result of restoring the dump. */
type Outcome =
  | { readonly kind: 'compared'; readonly evidence: Evidence }
  | {
      readonly kind: 'refused';
      readonly error: RestoreError | DumpError;
      /** The bytes of the dump read up to then. */
      readonly read: BytesHashed;
    };

/** @returns the reason why it cannot be restored, if that shows beforehand */
async function knowUnlessRefused(
  source: DumpSource,
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
  source: DumpSource,
  { scratch, plan, choosePgDump }: Prepared,
  signal: AbortSignal,
): Promise<Outcome> {
  const { database, log } = context;
  const { name, manifest } = source;
  // The database is dropped again, so nobody has to set what this role may not.
  const quiet: Logger = { ...log, warn: log.debug };
  const before = [...plan.traits.before, ...beginningWith(scratch, manifest?.session ?? {})];
  const prepared = { ...plan, traits: { ...plan.traits, before } };
  await administer(database, signal, (client) => prepareScratch(client, prepared, { scratch, log: quiet }));
  const digester = createDigester(name);
  const hash = hashBytes();
  let original: DumpDigest | undefined;
  let lost: string | undefined;
  const note = (chunk: Buffer) => {
    hash.add(chunk);
    digester.push(chunk);
  };
  const digested: DumpSource = {
    ...source,
    async *read(by) {
      yield* watched(source.read(by), note);
      original = digester.end();
    },
  };
  log.info(`restoring ${name} into ${scratch} on ${database.server}`);
  try {
    const way = { kind: 'whole', rowsInOrder: true } as const;
    const filled = await fillDatabase(
      context,
      digested,
      { scratch, noOwner: false, noWayBack: false, way },
      signal,
    );
    [lost] = filled.lost.told;
  } catch (error) {
    if (!(error instanceof RestoreError || error instanceof DumpError)) throw error;
    return { kind: 'refused', error, read: hash.end() };
  }
  if (original === undefined) throw new Error('the dump was restored without being read to its end');
  const { index } = original;
  // Unless what was restored is what was dumped, nothing can be said of what the server has made of it.
  const fault = manifest && differenceFrom(manifest, index);
  if (fault !== undefined) {
    const evidence = await checkBytes(source, context, signal);
    if (evidence.faults.length === 0) throw alteredOnItsWay(name, fault);
    return { kind: 'compared', evidence: { ...evidence, foundBy: 'full' } };
  }
  const first: DumpDigest = original;
  const dumpIn = (zone: string | undefined) => dumpAgain(context, scratch, first, choosePgDump, zone, signal);
  const zone = manifest?.session?.TimeZone;
  const restored = await dumpIn(zone);
  const evidence = { checked: checkedOf(index), ...judgeDrill({ original, restored, manifest }) };
  if (zone === undefined) await refuseUnknownZone(name, evidence.faults, restored, () => dumpIn(OTHER_ZONE));
  const { faults } = evidence;
  if (lost !== undefined && faults.length > 0 && faults.every(({ what }) => what === 'schema')) {
    throw new RestoreError({
      doing: `cannot try to restore ${name}`,
      problem: `this role may not make all of its grants on the server of the drill: ${lost}`,
      remedy: 'drill as a superuser, or set VERIFY_DATABASE_URL to a server that has one for it',
    });
  }
  return { kind: 'compared', evidence };
}

/** @returns how what was read differs from the manifest, with what no hash covers, in one clause */
function differenceFrom(manifest: Manifest, index: DumpIndex): string | undefined {
  const [fault] = compareIndex(manifest, index);
  if (fault !== undefined) return describeFault(fault);
  const [wrong] = [...compareCheckpoints(manifest, index.tables), ...compareHeadings(manifest, index)];
  return wrong && faultLine(wrong);
}
