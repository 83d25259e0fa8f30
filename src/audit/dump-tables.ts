import type { UsableBackup } from '../catalog/backup.ts';
import { knownBy, type Manifest } from '../catalog/manifest.ts';
import type { DumpTable } from '../dump/dump-index.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { readAll } from '../dump/read-text.ts';
import { createScanner } from '../dump/scanner.ts';
import { type CopyTarget, type DumpToken, qualifiedName } from '../dump/tokens.ts';
import { DumpError } from '../errors.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import { readProven } from './proven-part.ts';

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
 * Reads tables from a backup in the store: only the ranges that its manifest names, each verified by its SHA-256. A
 * dump without a manifest is read once, in full.
 *
 * @throws DumpError if the bytes are not what they should be, StoreError
 */
export function readDumpTables(
  store: Store,
  { dump, manifest }: UsableBackup<Manifest>,
  wanted: (table: CopyTarget) => boolean,
  options: { readonly tools: ClientTools; readonly signal: AbortSignal },
): DumpTables {
  const { signal } = options;
  // A dump whose manifest names no table may have its rows in INSERT statements.
  if (manifest === undefined || manifest.compression !== null || manifest.tables.length === 0) {
    return scanTables(store, dump.key, wanted, options);
  }
  async function* tables(): AsyncGenerator<TableRows> {
    for (const table of manifest?.tables ?? []) {
      if (wanted(table)) yield { ...table, chunks: readRows(store, dump.key, table, signal) };
    }
  }
  return { tables: tables(), encoding: () => knownBy(manifest).encoding };
}

function rowsUnread(key: string): DumpError {
  return new DumpError({
    doing: `cannot determine which media the rows of ${key} name`,
    problem: 'they are INSERT statements, which an audit cannot read',
    remedy: 'make dumps without --inserts',
  });
}

function readRows(store: Store, key: string, table: DumpTable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const doing = `cannot read the rows of ${qualifiedName(table)} from ${key}`;
  const problem = 'their SHA-256 does not match the manifest';
  return readProven(store, key, table, { doing, problem }, signal);
}

function scanTables(
  store: Store,
  key: string,
  wanted: (table: CopyTarget) => boolean,
  { tools, signal }: { readonly tools: ClientTools; readonly signal: AbortSignal },
): DumpTables {
  const scanner = createScanner(key);

  async function* tables(): AsyncGenerator<TableRows> {
    const bytes = readPlainDump(readObject(store, key, { signal }), { name: key, ...tools, signal });
    const tokens = readAll(scanner, bytes);
    try {
      for (let next = await tokens.next(); next.done !== true; next = await tokens.next()) {
        const token = next.value;
        if (token.type === 'statement' && token.sql.subarray(0, INSERT.length).equals(INSERT))
          throw rowsUnread(key);
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

/** The rows up to `copy-end`; copied, because the scanner's own bytes are valid only until the next token. */
async function* rowsOf(tokens: AsyncGenerator<DumpToken>): AsyncGenerator<Buffer> {
  for (let next = await tokens.next(); next.done !== true; next = await tokens.next()) {
    if (next.value.type === 'copy-end') return;
    if (next.value.type === 'copy-rows') yield Buffer.from(next.value.data);
  }
}
