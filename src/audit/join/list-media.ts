import { type ListPages, listRanges } from '../../s3/range-listing.ts';
import type { Batch } from '../rows/reference-batches.ts';
import type { MergeInputs } from './merge-by-key.ts';
import { onlyMedia } from './only-media.ts';
import { cutRanges } from './reference-ranges.ts';

/** Where media are listed. */
export interface MediaArea {
  readonly listPages: ListPages;
  readonly mediaPrefix: string;
  /** Prefixes that hold no media, in case they are under the media prefix. */
  readonly otherPrefixes: readonly string[];
  /** Number of concurrent listing requests. */
  readonly readers: number;
}

/**
 * Lists the media of a bucket with several readers, in ranges cut at the references, and passes the references
 * through; both must be read. An empty page of objects means a range without any.
 */
export function listMedia(
  source: AsyncIterable<Batch>,
  { listPages, mediaPrefix, otherPrefixes, readers }: MediaArea,
  signal: AbortSignal,
): MergeInputs {
  const cut = cutRanges(source);
  const listing = listRanges(listPages, mediaPrefix, cut.ranges, {
    readers,
    signal,
    onRange: cut.listed,
  });
  const objects = onlyMedia(listing, mediaPrefix, otherPrefixes);
  return { references: cut.references, objects, isListed: cut.isListed };
}
