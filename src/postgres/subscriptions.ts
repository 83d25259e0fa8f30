import pg from 'pg';
import { execute } from './ask.ts';

const quote = pg.escapeIdentifier;

/** A logical replication subscription; a database that has one cannot be dropped. */
export interface Subscription {
  readonly name: string;
  readonly enabled: boolean;
  /** The replication slot at the publisher, if it has one. */
  readonly slot: string | null;
}

/** The subscriptions of a database; they are visible from every database of the server. */
export async function subscriptionsOf(client: pg.Client, database: string): Promise<Subscription[]> {
  const { rows } = await client.query<Subscription>(
    `SELECT s.subname AS name, s.subenabled AS enabled, s.subslotname AS slot
     FROM pg_subscription AS s JOIN pg_database AS d ON d.oid = s.subdbid WHERE d.datname = $1 ORDER BY s.subname`,
    [database],
  );
  return rows;
}

/** The slots that no subscription of this server uses. */
export async function slotsOfNobody(client: pg.Client, slots: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ slot: string }>(
    'SELECT slot FROM unnest($1::text[]) AS slot WHERE slot NOT IN (SELECT subslotname FROM pg_subscription WHERE subslotname IS NOT NULL) ORDER BY 1',
    [slots],
  );
  return rows.map(({ slot }) => slot);
}

/**
 * Stops a subscription from receiving changes from its publisher. A disabled one stays as it is.
 *
 * @param client a connection to the database itself
 * @throws DatabaseError, also if the role may not alter it
 */
export async function disableSubscription(client: pg.Client, name: string): Promise<void> {
  await execute(client, `cannot disable subscription ${name}`, `ALTER SUBSCRIPTION ${quote(name)} DISABLE`);
}

/**
 * Drops a subscription but keeps its slot at the publisher, which the same subscription of another database may use.
 *
 * @param client a connection to the database itself
 * @throws DatabaseError, also if the role may not drop it
 */
export async function dropSubscription(client: pg.Client, name: string): Promise<void> {
  for (const statement of dropStatements(name)) {
    await execute(client, `cannot drop subscription ${name}`, statement);
  }
}

/** The statements of {@link dropSubscription}: without the second, the last would drop the publisher's slot too. */
export function dropStatements(name: string): readonly string[] {
  return [
    `ALTER SUBSCRIPTION ${quote(name)} DISABLE;`,
    `ALTER SUBSCRIPTION ${quote(name)} SET (slot_name = NONE);`,
    `DROP SUBSCRIPTION ${quote(name)};`,
  ];
}

/** A slot that no publisher has. */
const NO_SLOT = 'none_until_refreshed';

/**
 * The statements that let a disabled subscription go on with the changes that its slot has kept. Only an enabled one can
 * be told its tables (manual, ALTER SUBSCRIPTION), but once it is enabled it passes over the changes of tables that it
 * does not know, and they are lost. So it gets its slot last; its worker fails until then.
 */
export function resumeStatements(name: string, slot: string): readonly string[] {
  const alter = (what: string) => `ALTER SUBSCRIPTION ${quote(name)} ${what};`;
  const setSlot = (to: string) => alter(`SET (slot_name = ${pg.escapeLiteral(to)})`);
  return [
    setSlot(NO_SLOT),
    alter('ENABLE'),
    alter('REFRESH PUBLICATION WITH (copy_data = false)'),
    setSlot(slot),
  ];
}
