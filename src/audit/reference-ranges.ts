import { isKey, type KeyBytes, keyBytes, keyOf } from '../s3/key-bytes.ts';
import type { KeyRange } from '../s3/range-listing.ts';
import { LONGEST_KEY } from '../s3/store.ts';

/**
 * Objects that one reader lists before it takes the next range: several pages, so that ranges add little overhead.
 */
export const OBJECTS_PER_RANGE = 2000;

/** A range of keys, and the number of references in it. */
export interface ReferenceRange extends KeyRange {
  readonly references: number;
}

/** References that arrived together; parsed only when the join takes them. */
export interface Batch<R> {
  readonly length: number;
  /** The keys of the references from this index on, counted from 0. */
  keysFrom(index: number): Iterable<KeyBytes>;
  read(): readonly R[];
  /** Says that the batch will not be used again. */
  release(): void;
}

/** A batch of references that have already been parsed. */
export function batchOf<R extends { readonly key: KeyBytes }>(references: readonly R[]): Batch<R> {
  return {
    length: references.length,
    keysFrom: (index) => references.slice(index).map(({ key }) => key),
    read: () => references,
    release: () => {},
  };
}

/** References, and the ranges that they cut the key space into; both must be read concurrently. */
interface RangedReferences<R> {
  /** All references, in order. */
  readonly references: AsyncGenerator<readonly R[]>;
  /** Ranges that begin and end at references, each of about the requested number of objects. */
  readonly ranges: AsyncGenerator<ReferenceRange>;
  /** Says that a range has been listed and how many objects it held; later ranges are cut accordingly. */
  listed(range: ReferenceRange, objects: number): void;
  /** Whether all objects up to this key have been listed, so that a reference still without an object has none. */
  isListed(key: KeyBytes): boolean;
}

/**
 * Cuts the key space at the references themselves, so that several readers can list the bucket at once, in pieces of
 * about equal size wherever its objects are. References read ahead to find an end are kept until the join takes them.
 */
export function cutRanges<R>(
  source: AsyncIterable<Batch<R>>,
  objectsPerRange = OBJECTS_PER_RANGE,
): RangedReferences<R> {
  const iterator = source[Symbol.asyncIterator]();
  const untaken: Batch<R>[] = [];
  const unplanned: Batch<R>[] = [];
  /** Batches that one of the two sides is done with. */
  const halfDone = new Set<Batch<R>>();
  let ended = false;
  let reading = Promise.resolve();
  /** Objects per reference in recent ranges: many if rows own prefixes. */
  let density = 1;
  /** The end of the last range listed. */
  let listedUpTo: KeyBytes | undefined;

  /** Both sides request more, but only one at a time may read the source. */
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

  function done(batch: Batch<R>): void {
    if (halfDone.delete(batch)) batch.release();
    else halfDone.add(batch);
  }

  async function* take(): AsyncGenerator<readonly R[]> {
    try {
      for (;;) {
        const batch = untaken.shift();
        if (batch !== undefined) {
          const references = batch.read();
          done(batch);
          yield references;
        } else if (ended) return;
        else await readMore();
      }
    } finally {
      await iterator.return?.();
    }
  }

  async function* plan(): AsyncGenerator<ReferenceRange> {
    let after: KeyBytes | undefined;
    const bounds = (upTo: KeyBytes | undefined) => ({
      after: after === undefined ? undefined : keyOf(after),
      upTo: upTo === undefined ? undefined : keyOf(upTo),
    });
    let passed = 0;
    for (;;) {
      const batch = unplanned.shift();
      if (batch === undefined && ended) {
        yield { ...bounds(undefined), references: passed };
        return;
      }
      if (batch === undefined) {
        await readMore();
        continue;
      }
      for (let index = 0; index < batch.length; ) {
        const missing = Math.max(1, Math.ceil(objectsPerRange / density - passed));
        const begun: number = index;
        const bound = findBound(batch, index + missing - 1, after);
        index = bound === undefined ? batch.length : bound.index + 1;
        passed += index - begun;
        if (bound === undefined) break;
        yield { ...bounds(bound.key), references: passed };
        after = bound.key;
        passed = 0;
      }
      done(batch);
    }
  }

  return {
    references: take(),
    ranges: plan(),
    listed({ references, upTo }, objects) {
      density = Math.max(1, (density + objects / Math.max(1, references)) / 2);
      listedUpTo = upTo === undefined ? undefined : keyBytes(upTo);
    },
    isListed: (key) => listedUpTo !== undefined && key <= listedUpTo,
  };
}

/** The first reference of a batch, from index `from` on, at which a range can end. */
function findBound<R>(
  batch: Batch<R>,
  from: number,
  after: KeyBytes | undefined,
): { readonly index: number; readonly key: KeyBytes } | undefined {
  if (from >= batch.length) return undefined;
  let index = from;
  for (const key of batch.keysFrom(from)) {
    if (isBound(key, after)) return { index, key };
    index += 1;
  }
  return undefined;
}

/** Whether a server can be asked to list from this key on, and it is past the previous bound. */
function isBound(key: KeyBytes, after: KeyBytes | undefined): boolean {
  if (key.length > LONGEST_KEY || !isKey(key)) return false;
  return after === undefined || key > after;
}
