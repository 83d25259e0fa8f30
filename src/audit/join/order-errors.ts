import { DatabaseError, StoreError } from '../../errors.ts';
import { type KeyBytes, keyOf } from '../../s3/key-bytes.ts';

const JOINING = 'cannot join rows and objects';

/** Says that one key came after another. */
export function describeOrder(key: KeyBytes, after: KeyBytes): string {
  return `${JSON.stringify(keyOf(key))} after ${JSON.stringify(keyOf(after))}, which is not byte order`;
}

/** The error for a cursor over the rows of a reference query. */
export function refuseRowOrder(key: KeyBytes, after: KeyBytes): DatabaseError {
  return new DatabaseError({ doing: JOINING, problem: `the database sent ${describeOrder(key, after)}` });
}

/** The error for a cursor over a listing of the bucket. */
export function refuseListingOrder(key: KeyBytes, after: KeyBytes): StoreError {
  return new StoreError({
    doing: JOINING,
    problem: `the S3 server listed ${describeOrder(key, after)}`,
    remedy: 'use a bucket whose listings are ordered (AWS directory buckets are not)',
  });
}
