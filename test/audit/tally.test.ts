import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTally } from '../../src/audit/tally.ts';
import type { ObjectInfo } from '../../src/s3/store.ts';

const object = fc.record({
  key: fc.stringMatching(/^[ab/]{1,5}$/),
  bytes: fc.nat(9),
  lastModified: fc.constant(new Date(0)),
  etag: fc.constant(''),
});

const sumOf = (objects: readonly ObjectInfo[]) => objects.reduce((sum, { bytes }) => sum + bytes, 0);

test.each(['m/', ''])('under %j each object counts for its prefix of the second level', (mediaPrefix) => {
  fc.assert(
    fc.property(fc.array(fc.array(object, { maxLength: 5 }), { maxLength: 4 }), (given) => {
      const pages = given.map((page) => page.map((one) => ({ ...one, key: mediaPrefix + one.key })));
      const tally = createTally(mediaPrefix, []);
      for (const page of pages) tally.objects(page);

      const byPrefix = new Map<string, ObjectInfo[]>();
      for (const one of pages.flat()) {
        const [first = '', ...more] = one.key.slice(mediaPrefix.length).split('/');
        const prefix = more.length === 0 ? mediaPrefix : `${mediaPrefix}${first}/`;
        byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), one]);
      }
      const summary = tally.summary();
      expect(summary).toMatchObject({ objects: pages.flat().length, bytes: sumOf(pages.flat()) });
      expect(summary.byPrefix.map(({ prefix, objects, bytes }) => ({ prefix, objects, bytes }))).toEqual(
        [...byPrefix]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([prefix, all]) => ({ prefix, objects: all.length, bytes: sumOf(all) })),
      );
    }),
  );
});

test('of very many prefixes those that come late are counted together', () => {
  const tally = createTally('m/', []);
  const page = Array.from({ length: 1010 }, (_, n) => ({
    key: `m/${n}/x`,
    bytes: 1,
    lastModified: new Date(0),
    etag: '',
  }));
  tally.objects(page);
  tally.objects(page);
  const { objects, byPrefix } = tally.summary();
  expect(objects).toBe(2020);
  expect(byPrefix.find(({ prefix }) => prefix === 'm/')?.objects).toBe(20);
  expect(byPrefix.find(({ prefix }) => prefix === 'm/7/')?.objects).toBe(2);
  expect(byPrefix).toHaveLength(1001);
});
