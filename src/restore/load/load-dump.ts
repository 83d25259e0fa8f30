import type pg from 'pg';
import type { DumpIndex } from '../../dump/dump-index.ts';
import { isOwnership } from '../../dump/ownership.ts';
import { refuseUnrunnable } from '../../dump/refusals.ts';
import { createScanner } from '../../dump/scanner.ts';
import type { DumpToken } from '../../dump/tokens.ts';
import { copyRows, type RowsIn } from './copy-rows.ts';
import { orderedCopies } from './ordered-copies.ts';
import { refuseUncommitted } from './own-transactions.ts';
import { runAfterRows, runStatement, type StatementContext } from './run-statement.ts';
import { AFTER_ROWS, tellSteps } from './tell-steps.ts';

/** How a dump is run, over however many connections. */
export interface LoadOptions extends StatementContext {
  /** What to do if the dump's bytes are not the ones on record. */
  readonly remedyForDamage: string;
  /** Leave out owners and privileges. */
  readonly noOwner: boolean;
  readonly onBytes: (bytes: number) => void;
  /** Receives what is being done once the rows are in. */
  readonly onStep: (step: string) => void;
}

/**
 * Runs a plain dump on an empty database over one connection: its statements in order, its rows by COPY, all of it
 * byte for byte as in the dump.
 *
 * @returns what the dump consists of
 * @throws RestoreError at the first statement that the server refuses, with its line, type and name
 * @throws DumpError if the bytes are not a complete dump
 */
export async function loadDump(
  client: pg.Client,
  dump: AsyncIterable<Buffer>,
  options: LoadOptions & {
    /** Store the rows of each table in the order of the dump. */
    readonly rowsInOrder: boolean;
  },
): Promise<DumpIndex> {
  const scanner = createScanner(options.name, 'whole');
  const ordered = options.rowsInOrder ? orderedCopies(client, options) : undefined;
  const doing = `cannot restore ${options.name}`;
  let copy: RowsIn | undefined;
  const steps = tellSteps(AFTER_ROWS, options.onStep);
  let rowsAreIn = false;

  async function apply(token: DumpToken): Promise<void> {
    refuseUnrunnable(token, doing);
    switch (token.type) {
      case 'text':
      case 'backslash':
        return;
      case 'section':
        rowsAreIn = token.name === 'post-data';
        return;
      case 'statement':
        if (options.noOwner && isOwnership(token.sql)) return;
        if (rowsAreIn)
          await steps.run(token.entry?.name, () => runAfterRows(client, token.sql, token, options));
        else await runStatement(client, token.sql, token, options);
        ordered?.note(token);
        return;
      case 'copy-start':
        copy = (await ordered?.begin(token)) ?? copyRows(client, token, options);
        return;
      case 'copy-rows':
        // The server's socket may hold on to the bytes for longer than the scanner does.
        return copy?.write(Buffer.from(token.data));
      case 'copy-end':
        return copy?.end(token.rows);
    }
  }

  for await (const chunk of dump) {
    for (const token of scanner.push(chunk)) await apply(token);
    options.onBytes(chunk.length);
  }
  for (const token of scanner.end()) await apply(token);
  refuseUncommitted(client, doing);
  return scanner.finish();
}
