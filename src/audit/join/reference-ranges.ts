import { isKey, type KeyBytes, keyBytes, keyOf } from '../../s3/key-bytes.ts';
import type { KeyRange } from '../../s3/range-listing.ts';
import { LONGEST_KEY } from '../../s3/store.ts';
import { type Batch, shareBatches } from '../rows/reference-batches.ts';
import type { Reference } from '../rows/references.ts';

/**
 * Objects that one reader lists before it takes the next range: several pages, so that ranges add little overhead.
 */
export const OBJECTS_PER_RANGE = 2000;

/** A range of keys, and the number of references in it. */
export interface ReferenceRange extends KeyRange {
  readonly references: number;
}

/** References, and the ranges that they cut the key space into; both must be read concurrently. */
interface RangedReferences {
  /** All references, in order. */
  readonly references: AsyncGenerator<readonly Reference[]>;
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
export function cutRanges(
  source: AsyncIterable<Batch>,
  objectsPerRange = OBJECTS_PER_RANGE,
): RangedReferences {
  const { untaken, unplanned, done, close } = shareBatches(source);
  /** Objects per reference in recent ranges: many if rows own prefixes. */
  let density = 1;
  /** The end of the last range listed. */
  let listedUpTo: KeyBytes | undefined;

  async function* take(): AsyncGenerator<readonly Reference[]> {
    try {
      for await (const batch of untaken) {
        const references = batch.read();
        done(batch);
        yield references;
      }
    } finally {
      await close();
    }
  }

  async function* plan(): AsyncGenerator<ReferenceRange> {
    let after: KeyBytes | undefined;
    const bounds = (upTo: KeyBytes | undefined) => ({
      after: after === undefined ? undefined : keyOf(after),
      upTo: upTo === undefined ? undefined : keyOf(upTo),
    });
    let passed = 0;
    for await (const batch of unplanned) {
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
    yield { ...bounds(undefined), references: passed };
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
function findBound(
  batch: Batch,
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
