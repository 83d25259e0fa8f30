import { dropDatabase } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { dropSubscription, type Subscription, subscriptionsOf } from '../postgres/subscriptions.ts';

/**
 * Drops a database with its subscriptions, whose slots at the publishers stay: the database that has taken its place,
 * or the one that was dumped, has the same. One that does not exist is no error.
 *
 * @returns the subscriptions
 * @throws DatabaseError, or the signal's reason
 */
export async function dropWithSubscriptions(
  database: Database,
  name: string,
  signal: AbortSignal,
): Promise<Subscription[]> {
  return database.use(database.maintenanceName, signal, async (admin) => {
    const subscriptions = await subscriptionsOf(admin, name);
    if (subscriptions.length > 0) {
      await database.use(name, signal, async (client) => {
        for (const subscription of subscriptions) await dropSubscription(client, subscription.name);
      });
    }
    await dropDatabase(admin, name);
    return subscriptions;
  });
}
