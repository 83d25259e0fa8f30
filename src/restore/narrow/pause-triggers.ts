import type pg from 'pg';
import type { TableName } from '../../catalog/find-table.ts';
import { RestoreError } from '../../errors.ts';
import { describeCause, remedyOf } from '../../postgres/errors.ts';
import { quoteTable, runAsMade, tellable } from '../../postgres/relations.ts';

/** How ALTER TABLE has a trigger fire as `tgenabled` says (PostgreSQL's `catalog/pg_trigger.h`). */
const ENABLES = { O: 'ENABLE', A: 'ENABLE ALWAYS', R: 'ENABLE REPLICA' } as const;

/** A trigger that a table's new rows would fire. */
interface Trigger {
  readonly oid: number;
  /** The table, and the trigger, as they stand in SQL; null where a client cannot be told, see {@link tellable}. */
  readonly table: string | null;
  readonly quoted: string | null;
  readonly enabled: keyof typeof ENABLES;
  /** Whether the role may switch it off. */
  readonly switchable: boolean;
}

/** Triggers of the tables that rows are added to. */
export interface PausedTriggers {
  /** Names of those that do not fire: `public.t: a`. */
  readonly paused: readonly string[];
  /** Those that fire, for the role may not switch them off. */
  readonly firing: readonly string[];
  /** Has them fire again. A table that constraints still wait to be checked on cannot be altered. */
  resume(): Promise<void>;
}

/**
 * Has the triggers of these tables not fire until they are told to again, in the transaction that is open: they have
 * fired when the rows were first written. Foreign keys and all else that holds without them does so.
 *
 * @param doing what errors say was being done
 * @throws RestoreError where the server refuses that, as for an event trigger
 */
export async function pauseTriggers(
  client: pg.Client,
  tables: readonly TableName[],
  doing: string,
): Promise<PausedTriggers> {
  const triggers = await findTriggers(client, tables);
  const paused = triggers.filter(({ switchable }) => switchable);
  for (const trigger of paused) {
    await client.query(switching(trigger, 'DISABLE')).catch((error: unknown) => {
      throw new RestoreError({
        doing,
        problem: `trigger ${nameOf(trigger)} cannot be disabled for these rows: ${describeCause(error)}`,
        remedy:
          remedyOf(error) ??
          'find what refuses it, such as an event trigger, and disable that for the restore; or omit --data-only',
        cause: error,
      });
    });
  }
  const names = (some: readonly Trigger[]) => some.map(nameOf);
  return {
    paused: names(paused),
    firing: names(triggers.filter(({ switchable }) => !switchable)),
    async resume() {
      for (const trigger of paused) await client.query(switching(trigger, ENABLES[trigger.enabled]));
    },
  };
}

/** `public.t: a`, for people. */
function nameOf({ oid, table, quoted }: Trigger): string {
  return table !== null && quoted !== null ? `${table}: ${quoted}` : `OID ${oid}`;
}

function switching({ oid, table, quoted }: Trigger, how: string): string {
  if (table !== null && quoted !== null) return `ALTER TABLE ONLY ${table} ${how} TRIGGER ${quoted}`;
  return runAsMade(
    `SELECT format('ALTER TABLE ONLY %I.%I ${how} TRIGGER %I', n.nspname, c.relname, t.tgname)
     FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE t.oid = ${oid}`,
  );
}

/**
 * Enabled triggers FOR INSERT, which is bit 2 of `tgtype` (PostgreSQL's `catalog/pg_trigger.h`), of the tables and their
 * partitions. Those of constraints are internal, but for constraint triggers. Those that a partition has of its whole
 * are internal too up to PostgreSQL 14, as no others without a constraint are, and then only a superuser may switch them
 * off.
 */
async function findTriggers(client: pg.Client, tables: readonly TableName[]): Promise<Trigger[]> {
  const { rows } = await client.query<Trigger>(
    `WITH RECURSIVE filled (oid) AS (
       SELECT unnest($1::regclass[]::oid[])
       UNION SELECT i.inhrelid FROM filled JOIN pg_class AS whole ON whole.oid = filled.oid AND whole.relkind = 'p'
         JOIN pg_inherits AS i ON i.inhparent = whole.oid)
     SELECT t.oid, t.tgenabled AS enabled,
       ${tellable("format('%I.%I', n.nspname, c.relname)")} AS table, ${tellable('quote_ident(t.tgname)')} AS quoted,
       pg_has_role(c.relowner, 'USAGE')
         AND (NOT t.tgisinternal OR current_setting('is_superuser') = 'on') AS switchable
     FROM filled JOIN pg_class AS c ON c.oid = filled.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     JOIN pg_trigger AS t ON t.tgrelid = c.oid
     WHERE (NOT t.tgisinternal OR t.tgconstraint = 0) AND t.tgtype & 4 <> 0
       AND t.tgenabled::text IN
         ('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)
     ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", t.tgname COLLATE "C"`,
    [tables.map(quoteTable)],
  );
  return rows;
}
