import type { DumpPosition } from '../../dump/tokens.ts';
import { errorCode } from '../../postgres/errors.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import { settingOf } from './session-settings.ts';

/** Errors of the server when the thing to be dropped does not exist. */
const NOT_THERE = new Set<string>([
  SQLSTATE.invalidSchemaName,
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedColumn,
  SQLSTATE.undefinedFunction,
  SQLSTATE.undefinedObject,
]);

/** How much of a statement is examined, in bytes. */
const LOOKED_AT = 200;

/**
 * What pg_dump writes with `--clean` before the first entry (a view that others need is first replaced by an empty
 * one).
 */
const CLEANING = /^(?:DROP|ALTER|CREATE OR REPLACE VIEW|SELECT pg_catalog\.lo_unlink\()/;

/** pg_dump writes this when given the schemas to dump (`--schema`). */
const SCHEMA_PUBLIC = /^CREATE SCHEMA "?public"?;$/;

/**
 * pg_dump lifts the time limits of its own session in the beginning of a dump, whichever its version knows
 * (`transaction_timeout` since 17).
 */
const LIFTING =
  /^SET (?:statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout) = 0;$/;

/** Why the restore goes on without a statement, and whether that loses anything. */
interface LeftOut {
  readonly why: string;
  readonly loses: boolean;
}

/** @returns undefined if the statement's failure must stop the restore */
export function leftOut(error: unknown, sql: Buffer, { entry }: DumpPosition): LeftOut | undefined {
  const code = errorCode(error);
  if (code === undefined) return undefined;
  const text = sql.toString('latin1', 0, LOOKED_AT);
  if (entry === undefined && NOT_THERE.has(code) && CLEANING.test(text)) {
    return { why: 'a new database has nothing to drop', loses: false };
  }
  if (code === SQLSTATE.duplicateSchema && SCHEMA_PUBLIC.test(text)) {
    return { why: 'a new database already has the schema public', loses: false };
  }
  // pg_dump 18 writes these with `--statistics`, as calls of functions that PostgreSQL 18 introduced. Nothing is
  // lost: a restore analyzes every table.
  if (entry?.type === 'STATISTICS DATA' && code === SQLSTATE.undefinedFunction) {
    return { why: 'this server cannot import statistics from a dump', loses: false };
  }
  const setting = code === SQLSTATE.undefinedObject ? settingOf(sql) : undefined;
  if (setting !== undefined) {
    // A limit that the server does not know need not be lifted.
    return { why: `this server does not know the setting ${setting}`, loses: !LIFTING.test(text) };
  }
  const [, provider] = /^SECURITY\s+LABEL\s+FOR\s+(\S+)/i.exec(text) ?? [];
  return code === SQLSTATE.invalidParameterValue && provider !== undefined
    ? { why: `this server has no security label provider ${provider}`, loses: true }
    : undefined;
}
