import type pg from 'pg';
import type { DumpPosition } from '../dump/tokens.ts';
import { OperatorError, RestoreError } from '../errors.ts';
import { errorCode, remedyOf } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import { runRaw } from './raw-query.ts';
import { settingOf } from './session-settings.ts';

/** SQLSTATE undefined_object (manual, appendix A): for SET, a setting that the server does not know. */
const UNDEFINED_OBJECT = '42704';

/** What it takes to run statements of a dump and to say which one has failed. */
export interface StatementContext {
  /** What the dump is called in errors. */
  readonly name: string;
  readonly log: Logger;
}

/**
 * Runs a statement as it stands in the dump. A setting that the server does not know is skipped with a warning.
 *
 * @returns whether it was
 * @throws RestoreError with the statement's line, type and name when the server refuses it
 */
export async function runStatement(
  client: pg.Client,
  sql: Buffer,
  at: DumpPosition,
  context: StatementContext,
): Promise<'done' | 'skipped'> {
  try {
    await runRaw(client, sql);
    return 'done';
  } catch (error) {
    const setting = errorCode(error) === UNDEFINED_OBJECT ? settingOf(sql) : undefined;
    if (setting === undefined) return refuse(error, at, context.name);
    context.log.warn(`line ${at.line}: this server does not know the setting ${setting}; skipped`);
    return 'skipped';
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  '42501': 'restore as a role with the right, or give --no-owner if it is about owners and grants',
  '58P01': 'install what the message names on the database server',
  '0A000': 'install what the message names on the database server',
  '42704': 'create what the message names on the database server; for a role, --no-owner leaves it out',
};

/**
 * Says of an error where in the dump it has come about.
 *
 * @param rowOf the row of the dump's block, from 1, that a COPY of some of its rows has sent as its n-th
 */
export function refuse(
  error: unknown,
  at: DumpPosition | undefined,
  name: string,
  rowOf: (sent: number) => number = (sent) => sent,
): never {
  if (error instanceof OperatorError) throw error;
  const entry = at?.entry;
  const schema = entry === undefined || entry.schema === '-' ? '' : `${entry.schema}.`;
  const where = entry === undefined ? '' : `, ${entry.type} ${schema}${entry.name}`;
  const { message, where: context } = error as { message: string; where?: string };
  const row = context?.split('\n')[0];
  const code = errorCode(error);
  throw new RestoreError({
    doing: `cannot restore ${name}`,
    problem: `line ${lineOf(at, row, rowOf)}${where}: ${message}${row === undefined ? '' : ` (${row})`}`,
    remedy: (code === undefined ? undefined : REMEDIES[code]) ?? remedyOf(error) ?? 'see the server’s log',
    cause: error,
  });
}

/** Of a row that was refused its own line, which the server counts from that of the COPY statement. */
function lineOf(
  at: DumpPosition | undefined,
  context: string | undefined,
  rowOf: (sent: number) => number,
): number | undefined {
  const row = /^COPY .*, line (\d+)/.exec(context ?? '')?.[1];
  return at === undefined || row === undefined ? at?.line : at.line + rowOf(Number(row));
}
