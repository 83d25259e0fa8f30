import type { KeyBytes } from '../s3/key-bytes.ts';
import { type ListPages, listRanges } from '../s3/range-listing.ts';
import type { ObjectInfo } from '../s3/store.ts';
import { onlyMedia } from './only-media.ts';
import { type Batch, cutRanges, type ReferenceRange } from './reference-ranges.ts';

/** Where media are listed. */
export interface MediaArea<O extends ObjectInfo> {
  readonly listPages: ListPages<O>;
  readonly mediaPrefix: string;
  /** What in the bucket is no media, should it lie under the media prefix. */
  readonly otherPrefixes: readonly string[];
  /** Requests for listings at the same time. */
  readonly readers: number;
}

/** References and objects, in the order of their keys' bytes; both are to be read. */
interface MediaListing<R, O extends ObjectInfo> {
  readonly references: AsyncGenerator<readonly R[]>;
  /** An empty page stands for a range without any. */
  readonly objects: AsyncGenerator<readonly O[]>;
  /** Whether all objects up to this key were given out. */
  readonly isListed: (key: KeyBytes) => boolean;
}

/**
 * The media of a bucket, listed by several readers in ranges that are cut at the references, and the references
 * themselves; both in the order of their keys' bytes, and both to be read.
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
