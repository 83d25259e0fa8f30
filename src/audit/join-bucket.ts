import type { Store } from '../s3/store.ts';
import type { StartProgress } from '../ui/progress.ts';
import { watched } from '../watched.ts';
import { type Candidate, joinReferences } from './join/join-references.ts';
import { listMedia, type MediaArea } from './join/list-media.ts';
import type { Batch } from './rows/reference-batches.ts';
import type { Tally } from './tally.ts';

/** Where media are listed, and how progress is shown. */
export interface JoinContext extends Omit<MediaArea, 'listPages'> {
  readonly store: Store;
  readonly startProgress: StartProgress;
}

/**
 * Joins references with the media of a bucket, and counts both.
 *
 * @param cutoff objects written at this time or later are never orphans
 */
export async function* joinBucket(
  context: JoinContext,
  references: AsyncIterable<Batch>,
  { tally, cutoff }: { readonly tally: Tally; readonly cutoff: Date },
  signal: AbortSignal,
): AsyncGenerator<readonly Candidate[]> {
  const progress = context.startProgress('audit', 0, 'objects');
  const media = listMedia(references, { ...context, listPages: context.store.listPages }, signal);
  try {
    yield* joinReferences({
      references: watched(media.references, tally.references),
      objects: watched(media.objects, (page) => {
        tally.objects(page);
        progress.add(page.length);
      }),
      isListed: media.isListed,
      cutoff,
    });
  } finally {
    progress.stop();
  }
}
