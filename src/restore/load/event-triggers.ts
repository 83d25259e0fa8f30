import pg from 'pg';
import { asked, execute } from '../../postgres/ask.ts';
import { runAsMade } from '../../postgres/untellable-names.ts';
import { ENABLES } from './enable-triggers.ts';

/** The setting came with PostgreSQL 17, and only a superuser may change it (manual, "event_triggers"). */
const MAY_SET = '(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)';

/**
 * Keeps event triggers from firing in a database by default, or lets them again: since PostgreSQL 17 one may fire at
 * each login, and write or refuse it, and a restore's logins are none of the application's. A role that may not set
 * this cannot have created such triggers either.
 *
 * @param admin a connection to another database
 * @throws DatabaseError
 */
export async function setDefaultEventTriggers(
  admin: pg.Client,
  database: string,
  to: 'off' | 'on',
): Promise<void> {
  const doing = `cannot switch the event triggers of database ${database}`;
  const { rows } = await asked(
    doing,
    admin.query(`SELECT FROM pg_settings WHERE name = 'event_triggers' AND ${MAY_SET}`),
  );
  if (rows.length === 0) return;
  const what = to === 'off' ? 'SET event_triggers TO off' : 'RESET event_triggers';
  await execute(admin, doing, `ALTER DATABASE ${pg.escapeIdentifier(database)} ${what}`);
}

/**
 * Lets event triggers fire in a session of a database in which they do not by default: what those of an extension do
 * belongs to what a dump creates.
 */
export async function fireEventTriggers(client: pg.Client): Promise<void> {
  await setInSession(client, 'on', 'database');
}

/**
 * Undoes {@link fireEventTriggers}, before the dump's own are created: they belong to the application, and had done
 * their work when the dump was taken. Only materialized views are filled after them.
 */
export async function restEventTriggers(client: pg.Client): Promise<void> {
  await setInSession(client, 'off', 'session');
}

/**
 * Event triggers that the role may disable, unless none fires anyway in this session. An event trigger is no reason for
 * another to fire.
 */
const FIRING = `
  SELECT oid, evtenabled AS enabled FROM pg_event_trigger
  WHERE evtenabled <> 'D' AND pg_has_role(evtowner, 'USAGE')
    AND coalesce(current_setting('event_triggers', true), 'on') = 'on'`;

/**
 * Fills a materialized view without firing event triggers, also where {@link restEventTriggers} cannot switch them off
 * as a whole: they are disabled one by one, and then enabled as before. In a transaction that the failure of `fill` has
 * aborted, they are so once it is rolled back.
 */
export async function withoutEventTriggers(client: pg.Client, fill: () => Promise<void>): Promise<void> {
  const { rows } = await client.query<{ oid: number; enabled: keyof typeof ENABLES }>(FIRING);
  for (const { oid } of rows) await client.query(altering(oid, 'DISABLE'));
  const enable = async () => {
    for (const { oid, enabled } of rows) await client.query(altering(oid, ENABLES[enabled]));
  };
  try {
    await fill();
  } catch (error) {
    if (rows.length > 0 && client.getTransactionStatus() === 'I') await enable();
    throw error;
  }
  await enable();
}

function altering(oid: number, how: string): string {
  return runAsMade(
    `SELECT format('ALTER EVENT TRIGGER %I ${how}', evtname) FROM pg_event_trigger WHERE oid = ${oid}`,
  );
}

/** @param source where the setting has to come from to be changed (`pg_settings.source`) */
async function setInSession(
  client: pg.Client,
  to: 'on' | 'off',
  source: 'database' | 'session',
): Promise<void> {
  await client.query(
    `SELECT set_config(name, $1, false) FROM pg_settings
     WHERE name = 'event_triggers' AND source = $2 AND ${MAY_SET}`,
    [to, source],
  );
}
