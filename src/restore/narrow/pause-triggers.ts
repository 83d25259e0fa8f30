import type pg from 'pg';
import type { TableName } from '../../catalog/find-table.ts';
import { quoteTable } from '../../postgres/relations.ts';

/** A trigger that a table's new rows would fire. */
interface Trigger {
  /** Both as they stand in a statement. */
  readonly table: string;
  readonly trigger: string;
  /** Whether it fires on replicas too (`ENABLE ALWAYS`). */
  readonly always: boolean;
  /** Whether the role may switch it off: as its table's owner. */
  readonly switchable: boolean;
}

/** Triggers of the tables that rows are added to. */
export interface PausedTriggers {
  /** Those that do not fire: `public.t: a`. */
  readonly paused: readonly string[];
  /** Those that fire, for the role does not own their table. */
  readonly firing: readonly string[];
  /** Has them fire again; constraints that were deferred are checked before. */
  resume(): Promise<void>;
}

/**
 * Has the triggers of these tables not fire until they are told to again, in the transaction that is open: they have
 * fired when the rows were first written. Foreign keys and constraint triggers hold.
 */
export async function pauseTriggers(
  client: pg.Client,
  tables: readonly TableName[],
): Promise<PausedTriggers> {
  const triggers = await findTriggers(client, tables);
  const paused = triggers.filter(({ switchable }) => switchable);
  for (const { table, trigger } of paused)
    await client.query(`ALTER TABLE ONLY ${table} DISABLE TRIGGER ${trigger}`);
  const describe = ({ table, trigger }: Trigger) => `${table}: ${trigger}`;
  return {
    paused: paused.map(describe),
    firing: triggers.filter(({ switchable }) => !switchable).map(describe),
    async resume() {
      if (paused.length === 0) return;
      // A table that constraints still wait to be checked on cannot be altered.
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      for (const { table, trigger, always } of paused) {
        await client.query(`ALTER TABLE ONLY ${table} ENABLE ${always ? 'ALWAYS ' : ''}TRIGGER ${trigger}`);
      }
    },
  };
}

/**
 * Enabled triggers FOR INSERT, which is bit 2 of `tgtype` (PostgreSQL's `catalog/pg_trigger.h`), of the tables and their
 * partitions. Those that a partition has of its whole are internal up to PostgreSQL 14, as no others without a
 * constraint are, and then only a superuser may switch them off.
 */
async function findTriggers(client: pg.Client, tables: readonly TableName[]): Promise<Trigger[]> {
  const { rows } = await client.query<Trigger>(
    `WITH RECURSIVE filled (oid) AS (
       SELECT unnest($1::regclass[]::oid[])
       UNION SELECT i.inhrelid FROM filled JOIN pg_class AS whole ON whole.oid = filled.oid AND whole.relkind = 'p'
         JOIN pg_inherits AS i ON i.inhparent = whole.oid)
     SELECT format('%I.%I', n.nspname, c.relname) AS table, quote_ident(t.tgname) AS trigger,
       t.tgenabled = 'A' AS always,
       pg_has_role(c.relowner, 'USAGE')
         AND (NOT t.tgisinternal OR current_setting('is_superuser') = 'on') AS switchable
     FROM filled JOIN pg_class AS c ON c.oid = filled.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     JOIN pg_trigger AS t ON t.tgrelid = c.oid
     WHERE t.tgconstraint = 0 AND t.tgenabled IN ('O', 'A') AND t.tgtype & 4 <> 0
     ORDER BY 1, 2`,
    [tables.map(quoteTable)],
  );
  return rows;
}
