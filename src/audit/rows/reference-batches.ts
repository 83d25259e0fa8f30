import type { KeyBytes } from '../../s3/key-bytes.ts';
import type { Reference } from './references.ts';

/** References that arrived together; parsed only when the join takes them. */
export interface Batch {
  readonly length: number;
  /** The keys of the references from this index on, counted from 0. */
  keysFrom(index: number): Iterable<KeyBytes>;
  read(): readonly Reference[];
  /** Says that the batch will not be used again. */
  release(): void;
}

/** A batch of references that have already been parsed. */
export function batchOf(references: readonly Reference[]): Batch {
  return {
    length: references.length,
    keysFrom: (index) => references.slice(index).map(({ key }) => key),
    read: () => references,
    release: () => {},
  };
}

/** The batches of one source, for two who take them at their own pace. */
interface SharedBatches {
  /** Those that the join has not taken. */
  readonly untaken: AsyncGenerator<Batch>;
  /** Those that no range has been cut from. */
  readonly unplanned: AsyncGenerator<Batch>;
  /** Says that one of the two will not use the batch again; once both have said so, it is released. */
  done(batch: Batch): void;
  /** Ends the source. */
  close(): Promise<void>;
}

/** Gives every batch to both. What one has taken is kept until the other takes it too. */
export function shareBatches(source: AsyncIterable<Batch>): SharedBatches {
  const iterator = source[Symbol.asyncIterator]();
  const untaken: Batch[] = [];
  const unplanned: Batch[] = [];
  /** Batches that one of the two is done with. */
  const halfDone = new Set<Batch>();
  let ended = false;
  let reading = Promise.resolve();

  /** Both request more, but only one at a time may read the source. */
  function readMore(): Promise<void> {
    reading = reading.then(async () => {
      if (ended) return;
      const next = await iterator.next();
      if (next.done === true) ended = true;
      else {
        untaken.push(next.value);
        unplanned.push(next.value);
      }
    });
    return reading;
  }

  async function* takeFrom(queue: Batch[]): AsyncGenerator<Batch> {
    for (;;) {
      const batch = queue.shift();
      if (batch !== undefined) yield batch;
      else if (ended) return;
      else await readMore();
    }
  }

  return {
    untaken: takeFrom(untaken),
    unplanned: takeFrom(unplanned),
    done(batch) {
      if (halfDone.delete(batch)) batch.release();
      else halfDone.add(batch);
    },
    async close() {
      await iterator.return?.();
    },
  };
}
