import { expect, test } from 'vitest';
import { bareEtag } from '../../src/s3/etag.ts';

test.each([
  ['"8c8d5ba0-1"', '8c8d5ba0-1'],
  ['W/"8c8d5ba0-1"', '8c8d5ba0-1'],
  ['8c8d5ba0', '8c8d5ba0'],
  [undefined, ''],
])('the ETag %s is %s', (given, bare) => {
  expect(bareEtag(given)).toBe(bare);
});
