import { basename } from 'node:path';
import type { UsableBackup } from '../catalog/catalog.ts';
import { chooseTable } from '../catalog/choose-table.ts';
import { showTableName } from '../catalog/find-table.ts';
import { type DumpBytes, openBlocks } from '../dump/block-reader.ts';
import type { DumpTable } from '../dump/dump-index.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { provenBytes } from '../dump/proven-bytes.ts';
import type { ReadRange } from '../dump/read-text.ts';
import { scanDump } from '../dump/scanner.ts';
import { copyToCsv } from '../postgres/copy-csv.ts';
import { readObject } from '../s3/reader.ts';
import { formatBytes } from '../ui/format.ts';
import { type FetchContext, otherBytes } from './fetch-dump.ts';
import { writeNewFile } from './new-file.ts';

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
  context: FetchContext,
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

async function scan(context: FetchContext, { dump }: UsableBackup, signal: AbortSignal): Promise<TableIndex> {
  const progress = context.startProgress('scan', dump.bytes);
  try {
    return await scanDump(dump.key, readPlain(context, dump.key, signal), { onBytes: progress.add });
  } finally {
    progress.stop();
  }
}

function readPlain({ store, binDir, env }: FetchContext, key: string, signal: AbortSignal) {
  return readPlainDump(readObject(store, key, { signal }), { name: key, binDir, env, signal });
}

/** The bytes of the blocks, each of which must be those that its hash is of. */
async function* readBlocks(
  context: FetchContext,
  backup: UsableBackup,
  blocks: readonly DumpTable[],
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { store } = context;
  const { dump } = backup;
  const readRange: ReadRange = (range, held) => readObject(store, dump.key, { range, signal: held });
  const source: DumpBytes = {
    read: (held) => readPlain(context, dump.key, held),
    ranges: async () => (dump.compression === null ? readRange : undefined),
  };
  const reader = await openBlocks(source, () => {}, signal);
  try {
    for (const block of blocks) {
      const wrong = (found: string) =>
        otherBytes(store, backup, `table ${showTableName(block)} is ${found} instead of ${block.sha256}`);
      for await (const chunk of provenBytes(reader.read(block), block.sha256, wrong)) {
        onBytes(chunk.length);
        yield chunk;
      }
    }
  } finally {
    await reader.close();
  }
}

/** Node writes two of PostgreSQL's encodings; in any other a name beyond ASCII becomes UTF-8. */
function encodeName(name: string, encoding: string | undefined): Buffer {
  return Buffer.from(name, encoding === 'LATIN1' ? 'latin1' : 'utf8');
}
