import type { KeyBytes } from '../../s3/key-bytes.ts';
import { type ListPages, listRanges } from '../../s3/range-listing.ts';
import type { ObjectInfo } from '../../s3/store.ts';
import type { Batch } from '../rows/reference-batches.ts';
import { onlyMedia } from './only-media.ts';
import { cutRanges, type ReferenceRange } from './reference-ranges.ts';

/** Where media are listed. */
export interface MediaArea<O extends ObjectInfo> {
  readonly listPages: ListPages<O>;
  readonly mediaPrefix: string;
  /** Prefixes that hold no media, in case they are under the media prefix. */
  readonly otherPrefixes: readonly string[];
  /** Number of concurrent listing requests. */
  readonly readers: number;
}

/** References and objects, in the order of their keys' bytes; both must be read. */
interface MediaListing<R, O extends ObjectInfo> {
  readonly references: AsyncGenerator<readonly R[]>;
  /** An empty page means a range without objects. */
  readonly objects: AsyncGenerator<readonly O[]>;
  /** Whether all objects up to this key have been yielded. */
  readonly isListed: (key: KeyBytes) => boolean;
}

/**
 * Lists the media of a bucket with several readers, in ranges cut at the references, and passes the references
 * through; both come in the order of their keys' bytes, and both must be read.
 */
export function listMedia<R, O extends ObjectInfo>(
  source: AsyncIterable<Batch<R>>,
  { listPages, mediaPrefix, otherPrefixes, readers }: MediaArea<O>,
  signal: AbortSignal,
): MediaListing<R, O> {
  const cut = cutRanges(source);
  const listing = listRanges<ReferenceRange, O>(listPages, mediaPrefix, cut.ranges, {
    readers,
    signal,
    onRange: cut.listed,
  });
  const objects = onlyMedia(listing, mediaPrefix, otherPrefixes);
  return { references: cut.references, objects, isListed: cut.isListed };
}
