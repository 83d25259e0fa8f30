import pg from 'pg';
import type { DumpSource } from '../../catalog/dump-source.ts';
import type { BlockReader } from '../../dump/block-reader.ts';
import type { DumpTable } from '../../dump/dump-index.ts';
import { qualifiedName } from '../../dump/tokens.ts';
import { RestoreError } from '../../errors.ts';
import { describeCause, errorCode, excerptOf, remedyOf } from '../../postgres/errors.ts';
import { quoteTable } from '../../postgres/relations.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import { proveRows } from '../load/prove-rows.ts';
import { startCopy } from '../load/raw-query.ts';
import { wholeBlock } from '../load/row-pieces.ts';

/**
 * Copies the rows of one block into the table of its name, and checks on the way that they are those of the dump.
 *
 * @param encoding of the dump
 * @param doing what errors say was being done
 * @throws RestoreError for rows that the server refuses or leaves out, DumpError if the rows are not those that were
 * dumped
 */
export async function copyBlock(
  client: pg.Client,
  source: DumpSource,
  reader: BlockReader,
  block: DumpTable,
  encoding: string | undefined,
  doing: string,
): Promise<void> {
  const proof = proveRows(wholeBlock(block), source);
  const refused = (error: unknown): never => {
    throw rowsRefused(error, block, doing);
  };
  const into = startCopy(client, Buffer.from(copyStatement(block, encoding)));
  for await (const chunk of reader.read(block)) {
    proof.add(chunk);
    await into.write(chunk).catch(refused);
  }
  proof.finish();
  const taken = await into.end().catch(refused);
  if (taken === block.rows) return;
  throw new RestoreError({
    doing,
    problem: `the server took ${taken} of ${block.rows} rows of ${qualifiedName(block)}`,
    remedy: 'check whether a trigger on the table skips rows',
  });
}

/** Names are sent in the connection's encoding, rows in the dump's. */
function copyStatement(block: DumpTable, encoding: string | undefined): string {
  const columns = block.columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  const list = columns === '' ? '' : ` (${columns})`;
  const options = encoding === undefined ? '' : ` WITH (ENCODING ${pg.escapeLiteral(encoding)})`;
  return `COPY ${quoteTable(block)}${list} FROM stdin${options}`;
}

const AS_DUMPED = 'make the table match the dump, or restore it into a new database';

const REMEDIES: Readonly<Record<string, string>> = {
  [SQLSTATE.foreignKeyViolation]:
    'also give --table for the table that these rows refer to, or restore them into a new database',
};

function rowsRefused(error: unknown, block: DumpTable, doing: string): RestoreError {
  const row = (error as { where?: string }).where?.split('\n')[0];
  return new RestoreError({
    doing,
    problem: `${qualifiedName(block)}: ${describeCause(error)}${row === undefined ? '' : ` (${excerptOf(row)})`}`,
    remedy: remedyForRows(error),
    cause: error,
  });
}

/** The error for a constraint that is checked once all rows are there. */
export function constraintRefused(error: unknown, doing: string): RestoreError {
  const { detail } = error as { detail?: string };
  return new RestoreError({
    doing,
    problem: `${describeCause(error)}${detail === undefined ? '' : ` (${excerptOf(detail)})`}`,
    remedy: remedyForRows(error),
    cause: error,
  });
}

function remedyForRows(error: unknown): string {
  return remedyOf(error) ?? REMEDIES[errorCode(error) ?? ''] ?? AS_DUMPED;
}
