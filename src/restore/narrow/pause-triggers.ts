import type pg from 'pg';
import type { TableName } from '../../catalog/find-table.ts';
import { RestoreError } from '../../errors.ts';
import { describeCause, remedyOf } from '../../postgres/errors.ts';
import { quoteTable } from '../../postgres/relations.ts';
import { runAsMade, tellable } from '../../postgres/untellable-names.ts';
import { ENABLES } from '../load/enable-triggers.ts';

/** A trigger that a table's new rows would fire. */
interface Trigger {
  readonly oid: number;
  /** The table and the trigger, quoted for SQL; null if a client cannot be given the name, see {@link tellable}. */
  readonly table: string | null;
  readonly quoted: string | null;
  readonly enabled: keyof typeof ENABLES;
  /** Whether the role may disable it. */
  readonly switchable: boolean;
}

/** Triggers of the tables that rows are added to. */
export interface PausedTriggers {
  /** Names of those that do not fire: `public.t: a`. */
  readonly paused: readonly string[];
  /** Those that fire because the role may not disable them. */
  readonly firing: readonly string[];
  /** Makes them fire again. A table cannot be altered while constraint checks on it are pending. */
  resume(): Promise<void>;
}

/**
 * Keeps the triggers of these tables from firing until they are resumed, in the transaction that is open: they fired
 * when the rows were first written. Foreign keys, and everything else that holds without these triggers, still apply.
 *
 * @param doing what errors say was being done
 * @throws RestoreError if the server refuses, for example because of an event trigger
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

/** `public.t: a`, for display. */
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
 * Enabled triggers FOR INSERT, which is bit 2 of `tgtype` (PostgreSQL's `catalog/pg_trigger.h`), of the tables and
 * their partitions. Triggers that implement constraints are internal, except constraint triggers. Up to PostgreSQL
 * 14, triggers that a partition has from its partitioned table are internal too; they are the only internal ones
 * without a constraint, and only a superuser may disable them.
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
