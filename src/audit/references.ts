import { copyBlocks, countLines, decodeCopyField, lineAt, splitLines } from '../postgres/copy-text.ts';
import type { MatchedSource } from './match-sources.ts';
import type { Batch } from './reference-ranges.ts';

const TAB = 0x09;
const TRUE = 't'.charCodeAt(0);

/** What one row owns: an object, or every object under a prefix. */
export interface Reference {
  readonly kind: 'key' | 'prefix';
  /** The key in the bucket, or the prefix, in UTF-8. */
  readonly key: Buffer;
  readonly source: MatchedSource;
  /** Whether the row is younger than the grace. */
  readonly young: boolean;
  /** The row's primary key, as COPY writes it. */
  readonly id: Buffer;
}

/**
 * Reads what COPY sends of a reference query, in its order. Thousands of rows wait for the listing that they cut into
 * ranges: they wait as they came, for as many objects would long outlive the engine's collection of young ones.
 */
export async function* readReferences(
  chunks: AsyncIterable<Buffer>,
  sources: readonly MatchedSource[],
): AsyncGenerator<Batch<Reference>> {
  for await (const block of copyBlocks(chunks)) {
    yield {
      length: countLines(block),
      keyAt: (index) => parseReference(lineAt(block, index), sources).key,
      read: () => splitLines(block).map((line) => parseReference(line, sources)),
    };
  }
}

function parseReference(line: Buffer, sources: readonly MatchedSource[]): Reference {
  const keyEnd = line.indexOf(TAB);
  const sourceEnd = line.indexOf(TAB, keyEnd + 1);
  const source = sources[Number(line.toString('latin1', keyEnd + 1, sourceEnd))];
  const key = decodeCopyField(line.subarray(0, keyEnd));
  if (source === undefined || key === null) throw new Error(`no reference: ${line}`);
  return {
    kind: source.owned.kind,
    key,
    source,
    young: line[sourceEnd + 1] === TRUE,
    id: line.subarray(sourceEnd + 3),
  };
}

/** The primary key as the database prints it. */
export function referenceId({ id }: Reference): string {
  return (decodeCopyField(id) ?? id).toString();
}
