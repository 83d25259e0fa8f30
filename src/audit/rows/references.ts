import { copyBlocks, countLines, decodeCopyField, linesFrom } from '../../postgres/copy-text.ts';
import { asKeyBytes, type KeyBytes } from '../../s3/key-bytes.ts';
import type { MatchedSource } from '../sources/match-sources.ts';
import type { Batch } from './reference-batches.ts';

/** Buffer sizes are multiples of this, in bytes, so that most blocks fit into any buffer. */
const BUFFER_STEP = 16 * 1024;

/** What one row owns: an object, or every object under a prefix. */
export interface Reference {
  readonly kind: 'key' | 'prefix';
  /** The key in the bucket, or the prefix. */
  readonly key: KeyBytes;
  readonly source: MatchedSource;
  /** Whether the row is younger than the grace period. */
  readonly young: boolean;
  /** The row's primary key as COPY writes it, one character per byte. */
  readonly id: string;
}

/**
 * Reads the COPY output of a reference query, in its order. Thousands of rows wait while the ranges that they delimit
 * are listed. They wait as raw bytes, in buffers that are reused: as many objects, or new buffers, would survive the
 * collection of young objects, and the engine collects old ones only rarely.
 */
export async function* readReferences(
  chunks: AsyncIterable<Buffer>,
  sources: readonly MatchedSource[],
): AsyncGenerator<Batch> {
  const free: Buffer[] = [];
  for await (const came of copyBlocks(chunks)) {
    const buffer = bufferFor(came, free.pop());
    came.copy(buffer);
    const block = buffer.subarray(0, came.length);
    yield {
      length: countLines(block),
      *keysFrom(index) {
        for (const line of linesFrom(block, index))
          yield parseReference(line.toString('latin1'), sources).key;
      },
      read: () => linesOf(block).map((line) => parseReference(line, sources)),
      release: () => free.push(buffer),
    };
  }
}

function bufferFor(block: Buffer, used: Buffer | undefined): Buffer {
  if (used !== undefined && used.length >= block.length) return used;
  return Buffer.allocUnsafeSlow(Math.ceil(block.length / BUFFER_STEP) * BUFFER_STEP);
}

/** One character per byte: splitting lines into fields is many times faster on text. */
function linesOf(block: Buffer): string[] {
  const lines = block.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function parseReference(line: string, sources: readonly MatchedSource[]): Reference {
  const keyEnd = line.indexOf('\t');
  const sourceEnd = line.indexOf('\t', keyEnd + 1);
  const source = sources[Number(line.slice(keyEnd + 1, sourceEnd))];
  const key = decodeField(line.slice(0, keyEnd));
  if (source === undefined || key === null) throw new Error(`no reference: ${line}`);
  return {
    kind: source.owned.kind,
    key: asKeyBytes(key),
    source,
    young: line[sourceEnd + 1] === 't',
    id: line.slice(sourceEnd + 3),
  };
}

/** @returns null for an SQL null; both field and value have one character per byte */
function decodeField(field: string): string | null {
  if (!field.includes('\\')) return field;
  return decodeCopyField(Buffer.from(field, 'latin1'))?.toString('latin1') ?? null;
}

/** The primary key as the database prints it. */
export function referenceId({ id }: Reference): string {
  return Buffer.from(decodeField(id) ?? id, 'latin1').toString();
}
