import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { UsableBackup } from '../catalog/backup.ts';
import { chooseTables } from '../catalog/choose-tables.ts';
import { describeFault } from '../catalog/compare-index.ts';
import { backupSource, type DumpSource } from '../catalog/dump-source.ts';
import { showTableName } from '../catalog/find-table.ts';
import { knownBy, type Manifest } from '../catalog/manifest.ts';
import { proveHeadings } from '../catalog/prove-headings.ts';
import { openBlocks } from '../dump/block-reader.ts';
import { type DumpTable, type KnownDump, totalOf } from '../dump/dump-index.ts';
import { provenBytes } from '../dump/proven-bytes.ts';
import { scanDump } from '../dump/scanner.ts';
import { ConfigError, type DumpError } from '../errors.ts';
import { copyToCsv } from '../postgres/copy-csv.ts';
import { formatBytes } from '../ui/format.ts';
import type { StartProgress } from '../ui/progress.ts';
import { watched } from '../watched.ts';
import { type FetchContext, otherBytes } from './fetch-dump.ts';
import { writeNewFile } from './new-file.ts';

interface FetchedTable {
  /** As psql shows it: `public.manager_surface`. */
  readonly table: string;
  readonly path: string;
  readonly rows: number;
  /** Length of the rows in COPY's text format. */
  readonly bytes: number;
}

/**
 * Downloads the rows of one table, or of all its partitions, as the dump has them, in COPY's text format or as CSV.
 * Of a dump with a manifest no other rows are read; any other dump is first read through to find them. The file gets
 * its name only once every byte is there and proven.
 *
 * @param wanted a table name as psql takes it
 * @throws ConfigError for an invalid name, or if partitions differ in their columns
 * @throws NotFoundError for a table that is not in the dump
 * @throws DumpError if the bytes do not match the manifest
 */
export async function fetchTable(
  context: FetchContext,
  backup: UsableBackup<Manifest>,
  directory: string,
  options: { readonly wanted: string; readonly form: 'copy' | 'csv' },
  signal: AbortSignal,
): Promise<FetchedTable> {
  const { manifest, dump } = backup;
  const { store, binDir, env } = context;
  const source = backupSource(store, backup, { binDir, env });
  const index =
    manifest === undefined ? await scan(context.startProgress, source, signal) : knownBy(manifest);
  const chosen = await chooseTables(source, index, [options.wanted], 'fetch', signal);
  await proveHeadings(source, index, chosen.tables, signal);
  const shown = chosen.named.map(showTableName).join();
  const doing = `cannot fetch table ${shown} of ${dump.key}`;
  const blocks = chosen.tables;
  const parts = [...new Set(blocks.map(showTableName))];
  const columns = commonColumns(blocks, parts, doing);
  if (parts.join() !== shown) {
    context.log.info(`table ${shown} is partitioned: fetching the rows of ${parts.join(', ')}`);
  }
  const { rows, bytes } = totalOf(blocks);
  context.log.info(`reading ${formatBytes(bytes)} of ${formatBytes(source.bytes)}`);
  const progress = context.startProgress('fetch', bytes);
  try {
    const wrong = (fault: string) => otherBytes(store, backup, fault);
    const data = readBlocks(source, blocks, { wrong, onBytes: progress.add }, signal);
    const names = columns.map((column) => encodeName(column, index.encoding));
    const path = await writeNewFile(
      directory,
      `${basename(dump.key).replace(/\..*$/, '')}.${shown.replace(/[/\0]/g, '_')}.${options.form}`,
      options.form === 'csv' ? copyToCsv(names, data) : data,
      signal,
    );
    return { table: shown, path, rows, bytes };
  } finally {
    progress.stop();
  }
}

async function scan(
  startProgress: StartProgress,
  { name, bytes, read }: DumpSource,
  signal: AbortSignal,
): Promise<KnownDump> {
  const progress = startProgress('scan', bytes);
  try {
    return await scanDump(name, read(signal), { onBytes: progress.add });
  } finally {
    progress.stop();
  }
}

/** One file holds rows of one set of columns, in one order. */
function commonColumns(
  [{ columns: first }, ...others]: readonly [DumpTable, ...DumpTable[]],
  parts: readonly string[],
  doing: string,
): readonly string[] {
  if (others.every(({ columns }) => isDeepStrictEqual(columns, first))) return first;
  throw new ConfigError({
    doing,
    problem: 'it is partitioned, and its partitions order their columns differently',
    remedy: `fetch each separately: ${parts.join(', ')}`,
  });
}

/** The bytes of the blocks, each checked against its hash. */
async function* readBlocks(
  source: DumpSource,
  blocks: readonly DumpTable[],
  { wrong, onBytes }: { wrong(fault: string): DumpError; onBytes(bytes: number): void },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const reader = await openBlocks(source, () => {}, signal);
  try {
    for (const block of blocks) {
      const where = showTableName(block);
      const other = (found: string) =>
        wrong(describeFault({ what: 'table', where, expected: block.sha256, found }));
      const proven = provenBytes(reader.read(block), block.sha256, other);
      yield* watched(proven, (chunk) => onBytes(chunk.length));
    }
  } finally {
    await reader.close();
  }
}

/** Node can write only two of PostgreSQL's encodings; in any other, a non-ASCII name becomes UTF-8. */
function encodeName(name: string, encoding: string | undefined): Buffer {
  return Buffer.from(name, encoding === 'LATIN1' ? 'latin1' : 'utf8');
}
