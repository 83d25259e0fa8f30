import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { UsableBackup } from '../catalog/catalog.ts';
import { chooseTable } from '../catalog/choose-table.ts';
import { showTableName } from '../catalog/find-table.ts';
import type { DumpTable } from '../dump/dump-index.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { createScanner, drain } from '../dump/scanner.ts';
import { copyToCsv } from '../postgres/copy-csv.ts';
import { readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import { formatBytes } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { otherBytes } from './fetch-dump.ts';
import { writeNewFile } from './new-file.ts';

export interface FetchTableContext {
  readonly store: Store;
  /** What it takes to read dumps in pg_dump's custom format. */
  readonly binDir: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly startProgress: StartProgress;
}

export interface FetchedTable {
  /** As psql shows it: `public.manager_surface`. */
  readonly table: string;
  readonly path: string;
  readonly rows: number;
  /** Length of the rows in COPY's text format. */
  readonly bytes: number;
}

/** The tables of a dump. */
interface TableIndex {
  readonly tables: readonly DumpTable[];
  readonly encoding: string | undefined;
}

/**
 * Downloads the rows of one table as they stand in the dump, in COPY's text format, or as CSV. Of a dump with a
 * manifest no other bytes are read; any other is read through first to find them. The file has its name only when
 * every byte is there and proven.
 *
 * @param wanted as psql takes a name
 * @throws ConfigError for a name that is none, NotFoundError for a table that is not in the dump
 * @throws DumpError when the bytes are not those of the manifest
 */
export async function fetchTable(
  context: FetchTableContext,
  backup: UsableBackup,
  directory: string,
  options: { readonly wanted: string; readonly form: 'copy' | 'csv' },
  signal: AbortSignal,
): Promise<FetchedTable> {
  const { manifest, dump } = backup;
  const index: TableIndex =
    manifest === undefined
      ? await scan(context, backup, signal)
      : { ...manifest, encoding: manifest.encoding ?? undefined };
  const blocks = chooseTable(
    index.tables,
    options.wanted,
    `cannot fetch table ${options.wanted} of ${dump.key}`,
  );
  const [first] = blocks;
  const bytes = blocks.reduce((sum, block) => sum + block.bytes, 0);
  context.log.info(`reading ${formatBytes(bytes)} of ${formatBytes(manifest?.bytes ?? dump.bytes)}`);
  const progress = context.startProgress('fetch', bytes);
  try {
    const rows = readBlocks(context, backup, blocks, progress.add, signal);
    const columns = first.columns.map((column) => encodeName(column, index.encoding));
    const path = await writeNewFile(
      directory,
      `${basename(dump.key).replace(/\..*$/, '')}.${showTableName(first).replace(/[/\0]/g, '_')}.${options.form}`,
      options.form === 'csv' ? copyToCsv(columns, rows) : rows,
      signal,
    );
    const count = blocks.reduce((sum, block) => sum + block.rows, 0);
    return { table: showTableName(first), path, rows: count, bytes };
  } finally {
    progress.stop();
  }
}

async function scan(
  context: FetchTableContext,
  { dump }: UsableBackup,
  signal: AbortSignal,
): Promise<TableIndex> {
  const scanner = createScanner(dump.key);
  const progress = context.startProgress('scan', dump.bytes);
  try {
    for await (const chunk of readPlain(context, dump.key, signal)) {
      drain(scanner.push(chunk));
      progress.add(chunk.length);
    }
    drain(scanner.end());
    return scanner.finish();
  } finally {
    progress.stop();
  }
}

function readPlain({ store, binDir, env }: FetchTableContext, key: string, signal: AbortSignal) {
  return readPlainDump(readObject(store, key, { signal }), { name: key, binDir, env, signal });
}

/** The bytes of the blocks, each of which must be those that its hash is of. */
async function* readBlocks(
  context: FetchTableContext,
  backup: UsableBackup,
  blocks: readonly DumpTable[],
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { dump } = backup;
  for (const block of blocks) {
    const hash = createHash('sha256');
    for await (const chunk of readBlock(context, backup, block, signal)) {
      hash.update(chunk);
      onBytes(chunk.length);
      yield chunk;
    }
    const found = hash.digest('hex');
    if (found !== block.sha256) {
      const fault = `table ${showTableName(block)} is ${found} instead of ${block.sha256}`;
      throw otherBytes(context.store, dump.key, fault);
    }
  }
}

async function* readBlock(
  context: FetchTableContext,
  { dump }: UsableBackup,
  { offset, bytes }: DumpTable,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (bytes === 0) return;
  const end = offset + bytes;
  if (dump.compression === null) {
    yield* readObject(context.store, dump.key, { range: { start: offset, end: end - 1 }, signal });
    return;
  }
  let at = 0;
  for await (const chunk of readPlain(context, dump.key, signal)) {
    const part = chunk.subarray(Math.max(0, offset - at), Math.max(0, end - at));
    at += chunk.length;
    if (part.length > 0) yield part;
    if (at >= end) return;
  }
}

/** Node writes two of PostgreSQL's encodings; in any other a name beyond ASCII becomes UTF-8. */
function encodeName(name: string, encoding: string | undefined): Buffer {
  return Buffer.from(name, encoding === 'LATIN1' ? 'latin1' : 'utf8');
}
