import { dropDatabase } from '../../postgres/administration.ts';
import { administer, type Database } from '../../postgres/database.ts';
import { refusePrepared } from '../../postgres/prepared-transactions.ts';
import { dropSubscription, type Subscription, subscriptionsOf } from '../../postgres/subscriptions.ts';

/**
 * Drops a database with its subscriptions. Their slots at the publishers stay: the database that has taken its place,
 * or the one that was dumped, uses the same slots. It is no error if the database does not exist.
 *
 * @param onDropped called for each subscription that is gone, even if the database itself then cannot be dropped
 * @throws DatabaseError, or the signal's reason
 */
export async function dropWithSubscriptions(
  database: Database,
  name: string,
  signal: AbortSignal,
  onDropped: (subscription: Subscription) => void = () => {},
): Promise<void> {
  await administer(database, signal, async (admin) => {
    const subscriptions = await subscriptionsOf(admin, name);
    if (subscriptions.length > 0) {
      await refusePrepared(admin, name, `cannot drop database ${name}`);
      await database.use(name, signal, async (client) => {
        for (const subscription of subscriptions) {
          await dropSubscription(client, subscription.name);
          onDropped(subscription);
        }
      });
    }
    await dropDatabase(admin, name);
  });
}
