import type pg from 'pg';
import type { DumpIndex } from '../dump/dump-index.ts';
import { isOwnership } from '../dump/ownership.ts';
import { createScanner } from '../dump/scanner.ts';
import type { DumpPosition, DumpToken } from '../dump/tokens.ts';
import { OperatorError, RestoreError } from '../errors.ts';
import { errorCode, remedyOf } from '../postgres/errors.ts';
import type { Logger } from '../ui/log.ts';
import { type CopyIn, runRaw, startCopy } from './raw-query.ts';
import { refuseForeign } from './refusals.ts';

/** SQLSTATE undefined_object (manual, appendix A): for SET, a setting that the server does not know. */
const UNDEFINED_OBJECT = '42704';

export interface LoadOptions {
  /** What the dump is called in errors. */
  readonly name: string;
  /** Leave out owners and rights. */
  readonly noOwner: boolean;
  readonly log: Logger;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Runs a plain dump on an empty database: its statements in order, its rows by COPY, all of it as the bytes that
 * stand in the dump.
 *
 * @returns what the dump consists of
 * @throws RestoreError at the first statement that the server refuses, with its line, type and name
 * @throws DumpError when the bytes are no whole dump
 */
export async function loadDump(
  client: pg.Client,
  dump: AsyncIterable<Buffer>,
  options: LoadOptions,
): Promise<DumpIndex> {
  const scanner = createScanner(options.name, 'whole');
  let copy: { into: CopyIn; table: string; at: DumpPosition } | undefined;

  async function apply(token: DumpToken): Promise<void> {
    refuseForeign(token, options.name);
    switch (token.type) {
      case 'text':
      case 'section':
        return;
      case 'statement':
        if (options.noOwner && isOwnership(token.sql)) return;
        await runStatement(client, token.sql, token, options);
        return;
      case 'copy-start':
        copy = { into: startCopy(client, token.sql), table: `${token.schema}.${token.name}`, at: token };
        return;
      case 'copy-rows':
        // The server's socket may hold on to the bytes for longer than the scanner does.
        await copy?.into
          .write(Buffer.from(token.data))
          .catch((error: unknown) => refuse(error, copy?.at, options));
        return;
      case 'copy-end': {
        if (copy === undefined) return;
        const { into, table, at } = copy;
        const taken = await into.end().catch((error: unknown) => refuse(error, at, options));
        copy = undefined;
        if (taken === token.rows) return;
        throw new RestoreError({
          doing: `cannot restore ${options.name}`,
          problem: `the server took ${taken} of ${token.rows} rows of ${table}`,
          remedy: 'see the server’s log',
        });
      }
      case 'backslash':
        return;
    }
  }

  for await (const chunk of dump) {
    for (const token of scanner.push(chunk)) await apply(token);
    options.onBytes(chunk.length);
  }
  for (const token of scanner.end()) await apply(token);
  return scanner.finish();
}

async function runStatement(
  client: pg.Client,
  sql: Buffer,
  at: DumpPosition,
  options: LoadOptions,
): Promise<void> {
  try {
    await runRaw(client, sql);
  } catch (error) {
    const setting = errorCode(error) === UNDEFINED_OBJECT ? settingOf(sql) : undefined;
    if (setting === undefined) return refuse(error, at, options);
    options.log.warn(`line ${at.line}: this server does not know the setting ${setting}; skipped`);
  }
}

/** `transaction_timeout` of `SET transaction_timeout = 0;` */
function settingOf(sql: Buffer): string | undefined {
  return /^SET\s+(?:SESSION\s+|LOCAL\s+)?([a-z_.0-9]+)\s*(?:=|\sTO\s)/i.exec(
    sql.toString('latin1', 0, 200),
  )?.[1];
}

const REMEDIES: Readonly<Record<string, string>> = {
  '42501': 'restore as a role with the right, or give --no-owner if it is about owners and grants',
  '58P01': 'install what the message names on the database server',
  '0A000': 'install what the message names on the database server',
  '42704': 'create what the message names on the database server; for a role, --no-owner leaves it out',
};

function refuse(error: unknown, at: DumpPosition | undefined, options: LoadOptions): never {
  if (error instanceof OperatorError) throw error;
  const entry = at?.entry;
  const schema = entry === undefined || entry.schema === '-' ? '' : `${entry.schema}.`;
  const where = entry === undefined ? '' : `, ${entry.type} ${schema}${entry.name}`;
  const { message, where: context } = error as { message: string; where?: string };
  const row = context?.split('\n')[0];
  const code = errorCode(error);
  throw new RestoreError({
    doing: `cannot restore ${options.name}`,
    problem: `line ${lineOf(at, row)}${where}: ${message}${row === undefined ? '' : ` (${row})`}`,
    remedy: (code === undefined ? undefined : REMEDIES[code]) ?? remedyOf(error) ?? 'see the server’s log',
    cause: error,
  });
}

/** Of a row that was refused its own line, which the server counts from that of the COPY statement. */
function lineOf(at: DumpPosition | undefined, context: string | undefined): number | undefined {
  const row = /^COPY .*, line (\d+)/.exec(context ?? '')?.[1];
  return at === undefined || row === undefined ? at?.line : at.line + Number(row);
}
