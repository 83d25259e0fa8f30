import { isKey, type KeyBytes, keyBytes, keyOf } from '../s3/key-bytes.ts';
import type { KeyRange } from '../s3/range-listing.ts';
import { LONGEST_KEY } from '../s3/store.ts';

/** Objects that one reader lists before it takes the next range: some pages, so that ranges cost little. */
export const OBJECTS_PER_RANGE = 2000;

/** A range of keys, and how many references fell into it. */
export interface ReferenceRange extends KeyRange {
  readonly references: number;
}

/** References that came together, and are read when the join takes them. */
export interface Batch<R> {
  readonly length: number;
  /** The keys of one of them, counted from 0, and of those that follow it. */
  keysFrom(index: number): Iterable<KeyBytes>;
  read(): readonly R[];
  /** Says that it is not asked again. */
  release(): void;
}

/** Those that were read already. */
export function batchOf<R extends { readonly key: KeyBytes }>(references: readonly R[]): Batch<R> {
  return {
    length: references.length,
    keysFrom: (index) => references.slice(index).map(({ key }) => key),
    read: () => references,
    release: () => {},
  };
}

/** References, and the ranges that they cut the key space into; both are to be read at the same time. */
interface RangedReferences<R> {
  /** The references, all of them, in their order. */
  readonly references: AsyncGenerator<readonly R[]>;
  /** Ranges that begin and end at references, each of about as many objects as were wished for. */
  readonly ranges: AsyncGenerator<ReferenceRange>;
  /** Says that a range was listed, and how many objects it turned out to hold; the next ones are cut by that. */
  listed(range: ReferenceRange, objects: number): void;
  /** Whether all objects up to this key were listed, so that a reference without one by now has none. */
  isListed(key: KeyBytes): boolean;
}

/**
 * Cuts the key space at the references themselves, so that several readers list the bucket at once, in pieces of
 * about one size wherever its objects lie. References that were read to find an end wait until the join takes them.
 */
export function cutRanges<R>(
  source: AsyncIterable<Batch<R>>,
  objectsPerRange = OBJECTS_PER_RANGE,
): RangedReferences<R> {
  const iterator = source[Symbol.asyncIterator]();
  const untaken: Batch<R>[] = [];
  const unplanned: Batch<R>[] = [];
  /** Those that one side is done with. */
  const halfDone = new Set<Batch<R>>();
  let ended = false;
  let reading = Promise.resolve();
  /** Objects for each reference, in the ranges of late: many where a row owns a prefix. */
  let density = 1;
  /** The end of the last range that was listed. */
  let listedUpTo: KeyBytes | undefined;

  /** Both sides ask for more, but the source is asked by one at a time. */
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

/** The first reference of a batch, from one on, at which a range can end. */
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

/** A server can be asked to list from this key on, and it lies behind the bound before. */
function isBound(key: KeyBytes, after: KeyBytes | undefined): boolean {
  if (key.length > LONGEST_KEY || !isKey(key)) return false;
  return after === undefined || key > after;
}
