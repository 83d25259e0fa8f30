import type { DumpSource } from '../catalog/dump-source.ts';
import { isOwnership } from '../dump/ownership.ts';
import { refuseUnrunnable } from '../dump/refusals.ts';
import { createScanner } from '../dump/scanner.ts';
import { dropDatabase } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import { uninterrupted } from '../uninterrupted.ts';
import { finishScratch, prepareScratch } from './apply-facts.ts';
import { settleForDump } from './dump-session.ts';
import { fireEventTriggers } from './event-triggers.ts';
import type { RestorePlan } from './plan.ts';
import { runStatement } from './run-statement.ts';
import { createScratch, dropScratch } from './scratch.ts';

/**
 * Runs a dump's pre-data section on a database that is dropped again, and gives that database its owner and settings.
 * Extensions that the server lacks, and most privileges that the role may lack, thus show up before another database
 * is dropped for this one. Post-data is not tried, because it may need the rows.
 *
 * @throws RestoreError, DumpError, DatabaseError, StoreError, or the signal's reason
 */
export async function rehearseSchema(
  { database, log }: { readonly database: Database; readonly log: Logger },
  source: DumpSource,
  {
    scratch,
    plan,
    noOwner,
  }: { readonly scratch: string; readonly plan: RestorePlan; readonly noOwner: boolean },
  signal: AbortSignal,
): Promise<void> {
  const admin = database.maintenanceName;
  // The real restore warns of what it skips; this one need not.
  const quiet: Logger = { ...log, info: log.debug, warn: log.debug };
  const into = { scratch, log: quiet };
  log.info(`trying the pre-data section of ${source.name} on an empty database`);
  await createScratch(database, scratch, plan.creation);
  try {
    await database.use(admin, signal, (client) => prepareScratch(client, plan, into));
    await runPreData(database, source, { scratch, noOwner, log: quiet }, signal);
    await database.use(admin, signal, (client) => finishScratch(client, plan, into));
  } catch (error) {
    await dropScratch(database, scratch, log, error);
    throw databaseError(`cannot restore ${source.name} into ${scratch}`, error);
  }
  // Anything left over would be in the way of the real restore.
  await database.use(admin, uninterrupted(), (client) => dropDatabase(client, scratch));
}

async function runPreData(
  database: Database,
  source: DumpSource,
  { scratch, noOwner, log }: { readonly scratch: string; readonly noOwner: boolean; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const { name } = source;
  const scanner = createScanner(name, 'whole');
  await database.use(scratch, signal, async (client) => {
    await settleForDump(client);
    await fireEventTriggers(client);
    for await (const chunk of source.read(signal)) {
      for (const token of scanner.push(chunk)) {
        if (token.type === 'copy-start' || (token.type === 'section' && token.name !== 'pre-data')) return;
        refuseUnrunnable(token, `cannot restore ${name}`);
        if (token.type !== 'statement' || (noOwner && isOwnership(token.sql))) continue;
        await runStatement(client, token.sql, token, { name, log });
      }
    }
  });
}
