import { messageOf, OperatorError } from '../../errors.ts';
import { administer, type Database } from '../../postgres/database.ts';
import { describeCause } from '../../postgres/errors.ts';
import {
  disableSubscription,
  resumeStatements,
  slotsOfNobody,
  subscriptionsOf,
} from '../../postgres/subscriptions.ts';
import { uninterrupted } from '../../uninterrupted.ts';
import { explainable } from './blockers.ts';
import { dropWithSubscriptions } from './drop-with-subscriptions.ts';
import type { ServerContext } from './server-context.ts';
import { SLOW_MS, tellingSlow } from './telling-slow.ts';

/** Something that could not be done to a database or a subscription, and why. */
interface Refused {
  readonly name: string;
  readonly why: string;
}

/** What became of the subscriptions of the old database, which is kept. */
export interface OldSubscriptions {
  /** Those that were receiving changes from their publishers and no longer do. */
  readonly disabled: readonly string[];
  /** Those that the restored database has too, and that may take over. */
  readonly continued: readonly string[];
  /** The statements to run in the restored database to let those go on. */
  readonly resume: readonly string[];
  /** Those that this role may not alter; it cannot drop the database either, because of them. */
  readonly refused: readonly Refused[];
}

/** For an old database without subscriptions. */
export const NO_SUBSCRIPTIONS: OldSubscriptions = {
  disabled: [],
  continued: [],
  resume: [],
  refused: [],
};

/** What became of the databases that were to be dropped. */
export interface DroppedDatabases {
  readonly dropped: readonly string[];
  readonly notDropped: readonly Refused[];
  /** Slots at the publishers that no subscription uses any longer, and for which the publishers retain all WAL. */
  readonly unusedSlots: readonly string[];
}

/**
 * Disables the subscriptions of the database that was replaced. The restored one has the same subscriptions, with the
 * same slots at the publishers: whatever the old one consumes from these never reaches the restored one. Only after
 * the swap is it certain that the old one is not needed to consume them. A failure is only reported: the restore
 * itself is done.
 */
export async function disableOld(
  { database, log }: ServerContext,
  { target, kept }: { readonly target: string; readonly kept: string },
): Promise<OldSubscriptions> {
  try {
    const [subscriptions, restored] = await administer(
      database,
      uninterrupted(),
      async (admin) => [await subscriptionsOf(admin, kept), await subscriptionsOf(admin, target)] as const,
    );
    if (subscriptions.length === 0) return NO_SUBSCRIPTIONS;
    const refused = await disableEach(
      database,
      kept,
      subscriptions.map(({ name }) => name),
    );
    const isRefused = new Set(refused.map(({ name }) => name));
    const disabled = subscriptions.filter(({ name, enabled }) => enabled && !isRefused.has(name));
    const names = disabled.map(({ name }) => name);
    // Without a slot there is nothing that it could go on with.
    const going = restored.flatMap(({ name, slot }) =>
      names.includes(name) && slot !== null ? [{ name, slot }] : [],
    );
    return {
      disabled: names,
      continued: going.map(({ name }) => name),
      resume: going.flatMap(({ name, slot }) => resumeStatements(name, slot)),
      refused,
    };
  } catch (error) {
    log.warn(`cannot tell whether database ${kept} has subscriptions: ${describeCause(error)}`);
    return NO_SUBSCRIPTIONS;
  }
}

async function disableEach(database: Database, kept: string, names: readonly string[]): Promise<Refused[]> {
  const refused: Refused[] = [];
  try {
    await database.use(kept, uninterrupted(), async (client) => {
      for (const name of names) {
        await disableSubscription(client, name).catch((error: unknown) => {
          refused.push({ name, why: whyOf(error) });
        });
      }
    });
    return refused;
  } catch (error) {
    return names.map((name) => ({ name, why: messageOf(error) }));
  }
}

/**
 * Drops old databases. A failure is only reported: the restore itself is done.
 *
 * @param slowMs after how long people are told who is in the way; only tests set it
 */
export async function dropOld(
  context: ServerContext,
  names: readonly string[],
  slowMs = SLOW_MS,
): Promise<DroppedDatabases> {
  const dropped: string[] = [];
  const notDropped: Refused[] = [];
  const slots: string[] = [];
  const { database: server, explain } = explainable(context.database);
  const drop = (name: string) =>
    dropWithSubscriptions(server, name, uninterrupted(), ({ slot }) => {
      if (slot !== null) slots.push(slot);
    });
  for (const name of names) {
    try {
      await tellingSlow(context, `to drop database ${name}`, () => drop(name), { slowMs, explain });
      dropped.push(name);
    } catch (error) {
      notDropped.push({ name, why: messageOf(error) });
    }
  }
  return { dropped, notDropped, unusedSlots: await unused(context, slots) };
}

async function unused({ database, log }: ServerContext, slots: readonly string[]): Promise<string[]> {
  if (slots.length === 0) return [];
  try {
    return await administer(database, uninterrupted(), (admin) => slotsOfNobody(admin, slots));
  } catch (error) {
    log.warn(
      `cannot tell whether the replication slots ${slots.join(', ')} are in use: ${describeCause(error)}`,
    );
    return [];
  }
}

/** The bare reason; what was being done is shown beside it. */
function whyOf(error: unknown): string {
  return error instanceof OperatorError ? error.problem : messageOf(error);
}
