import type { DumpSource } from '../../catalog/dump-source.ts';
import { knownBy } from '../../catalog/manifest.ts';
import { proveHeadings } from '../../catalog/prove-headings.ts';
import { type BlockReader, openBlocks } from '../../dump/block-reader.ts';
import type { DumpTable } from '../../dump/dump-index.ts';
import { provenBytes } from '../../dump/proven-bytes.ts';
import { readAll } from '../../dump/read-text.ts';
import { createScanner } from '../../dump/scanner.ts';
import { type CopyTarget, type DumpToken, qualifiedName } from '../../dump/tokens.ts';
import { DumpError } from '../../errors.ts';

/** How `pg_dump --inserts` begins a row. */
const INSERT = Buffer.from('INSERT INTO ');

/** The rows of a table in a dump. */
interface TableRows extends CopyTarget {
  /** COPY's text format, split anywhere. Must be read to its end before the next table is requested. */
  readonly chunks: AsyncIterable<Buffer>;
}

/** The wanted tables of a dump, and the encoding of their rows. */
interface DumpTables {
  readonly tables: AsyncGenerator<TableRows>;
  /** The dump's `SET client_encoding`, known from the first table on; undefined for UTF-8. */
  encoding(): string | undefined;
}

/**
 * Reads tables of a dump: only the ranges that its manifest names, each verified by its SHA-256. A dump without a
 * manifest is read once, in full.
 *
 * @throws DumpError if the bytes are not what they should be, StoreError
 */
export function readDumpTables(
  source: DumpSource,
  wanted: (table: CopyTarget) => boolean,
  signal: AbortSignal,
): DumpTables {
  const { manifest } = source;
  // A dump whose manifest names no table may have its rows in INSERT statements.
  if (manifest === undefined || manifest.compression !== null || manifest.tables.length === 0) {
    return scanTables(source, wanted, signal);
  }
  const known = knownBy(manifest);
  const chosen = manifest.tables.filter(wanted);
  async function* tables(): AsyncGenerator<TableRows> {
    await proveHeadings(source, known, chosen, signal);
    const reader = await openBlocks(source, () => {}, signal);
    try {
      for (const table of chosen) yield { ...table, chunks: readRows(source, reader, table) };
    } finally {
      await reader.close();
    }
  }
  return { tables: tables(), encoding: () => known.encoding };
}

function readRows(source: DumpSource, reader: BlockReader, table: DumpTable): AsyncGenerator<Buffer> {
  const wrong = () =>
    new DumpError({
      doing: `cannot read the rows of ${qualifiedName(table)} from ${source.name}`,
      problem: 'their SHA-256 does not match the manifest',
      remedy: source.remedyForDamage,
    });
  return provenBytes(reader.read(table), table.sha256, wrong);
}

function scanTables(
  source: DumpSource,
  wanted: (table: CopyTarget) => boolean,
  signal: AbortSignal,
): DumpTables {
  const scanner = createScanner(source.name);

  async function* tables(): AsyncGenerator<TableRows> {
    const tokens = readAll(scanner, source.read(signal));
    try {
      for (let next = await tokens.next(); next.done !== true; next = await tokens.next()) {
        const token = next.value;
        if (token.type === 'statement' && token.sql.subarray(0, INSERT.length).equals(INSERT))
          throw rowsUnread(source.name);
        if (token.type !== 'copy-start' || !wanted(token)) continue;
        const { schema, name, columns } = token;
        yield { schema, name, columns, chunks: rowsOf(tokens) };
      }
    } finally {
      await tokens.return(undefined);
    }
  }
  return { tables: tables(), encoding: () => scanner.finish().encoding };
}

function rowsUnread(dump: string): DumpError {
  return new DumpError({
    doing: `cannot determine which media the rows of ${dump} name`,
    problem: 'they are INSERT statements, which an audit cannot read',
    remedy: 'make dumps without --inserts',
  });
}

/** The rows up to `copy-end`; copied, because the scanner's own bytes are valid only until the next token. */
async function* rowsOf(tokens: AsyncGenerator<DumpToken>): AsyncGenerator<Buffer> {
  for (let next = await tokens.next(); next.done !== true; next = await tokens.next()) {
    if (next.value.type === 'copy-end') return;
    if (next.value.type === 'copy-rows') yield Buffer.from(next.value.data);
  }
}
