import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareMedia } from '../../src/audit/join/compare-media.ts';
import type { KeptKey } from '../../src/audit/kept-media.ts';
import { openProtectors, type UnreadBackup } from '../../src/audit/protect.ts';
import type { Reference } from '../../src/audit/rows/references.ts';
import { entryKey, type MediaEntry } from '../../src/catalog/media-manifest.ts';
import { StoreError } from '../../src/errors.ts';
import { ownedMedia } from '../../src/media/owned-media.ts';
import { keyBytes } from '../../src/s3/key-bytes.ts';
import type { ObjectInfo } from '../../src/s3/store.ts';

const { signal } = new AbortController();

/** Few letters, so that keys meet; among them those that UTF-16 orders otherwise. */
const anyKey = fc.string({
  unit: fc.constantFrom('a', 'b', '/', 'é', '\uffff', '\u{1f600}'),
  minLength: 1,
  maxLength: 4,
});
const anyKept = fc.record({ key: anyKey, kind: fc.constantFrom('key', 'prefix') });
const anyObject = fc.record({ key: anyKey, bytes: fc.integer({ min: 1, max: 2 }) });
const objectsOf = fc.uniqueArray(anyObject, { maxLength: 12, selector: ({ key }) => key });

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const inOrder = <T extends { key: string }>(items: readonly T[]) =>
  items.toSorted((a, b) => byBytes(a.key, b.key));

async function* batches<T>(items: readonly T[], size = 2): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

const toKept = (items: readonly { key: string; kind: string }[]) =>
  inOrder(items).map(({ key, kind }): KeptKey => ({ kind: kind as KeptKey['kind'], key: keyBytes(key) }));

const infoOf = ({ key, bytes }: { key: string; bytes: number }): ObjectInfo => ({
  key,
  bytes,
  etag: String(bytes),
  lastModified: new Date(0),
});

test('a key is protected by those backups that name it, or a prefix of it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyKept, { maxLength: 8 }), { maxLength: 3 }),
      fc.array(anyKey, { maxLength: 12 }),
      async (backups, keys) => {
        const kept = backups.map((items, id) => ({
          id: String(id),
          by: 'list' as const,
          keys: () => batches(toKept(items)),
        }));
        const refuse = ({ problem }: UnreadBackup) => {
          throw new Error(problem);
        };
        const protectors = openProtectors(kept, refuse, signal);
        for (const key of keys.toSorted(byBytes)) {
          const expected = backups.flatMap((items, id) =>
            items.some((item) => (item.kind === 'key' ? item.key === key : key.startsWith(item.key)))
              ? [String(id)]
              : [],
          );
          expect(await protectors.of(key)).toEqual(expected);
        }
        await protectors.close();
      },
    ),
    { numRuns: 1000 },
  );
});

test('a backup that cannot be read further is told once, and protects what it named before', async () => {
  async function* broken(): AsyncGenerator<readonly KeptKey[]> {
    yield [{ kind: 'key', key: keyBytes('a') }];
    throw new StoreError({ doing: 'cannot read it', problem: 'gone' });
  }
  const told: string[] = [];
  const tell = ({ id, problem }: UnreadBackup) => told.push(`${id}: ${problem}`);
  const protectors = openProtectors([{ by: 'list', id: '1', keys: broken }], tell, signal);
  expect(await protectors.of('a')).toEqual(['1']);
  expect(await protectors.of('b')).toEqual([]);
  expect(await protectors.of('c')).toEqual([]);
  expect(told).toEqual(['1: cannot read it: gone']);
});

test('what rows own is what a comparison of everything with everything finds, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyKept, { maxLength: 10 }), objectsOf, async (rows, objects) => {
      const references = toKept(rows) as Reference[];
      const entries: MediaEntry[] = [];
      const listed = inOrder(objects).map(infoOf);
      for await (const batch of ownedMedia({ references: batches(references), objects: batches(listed, 3) }))
        entries.push(...batch);

      const named = new Set(rows.filter(({ kind }) => kind === 'key').map(({ key }) => key));
      const prefixes = rows.filter(({ kind }) => kind === 'prefix').map(({ key }) => key);
      const there = objects.filter(
        ({ key }) => named.has(key) || prefixes.some((prefix) => key.startsWith(prefix)),
      );
      const missing = [...named].filter((key) => !objects.some((object) => object.key === key));
      const outermost = new Set(
        prefixes.filter((key) => !prefixes.some((other) => other !== key && key.startsWith(other))),
      );
      const sorted = (keys: Iterable<string>) => [...keys].sort(byBytes);
      const keysOf = (some: readonly MediaEntry[]) => some.map(entryKey);
      expect(keysOf(entries.filter((entry) => 'bytes' in entry))).toEqual(
        sorted(there.map(({ key }) => key)),
      );
      expect(keysOf(entries.filter((entry) => 'missing' in entry))).toEqual(sorted(missing));
      expect(keysOf(entries.filter((entry) => 'prefix' in entry))).toEqual(sorted(outermost));
      expect(keysOf(entries)).toEqual(sorted(keysOf(entries)));
    }),
    { numRuns: 1000 },
  );
});

test('media are missing or changed as a look at each would show', async () => {
  await fc.assert(
    fc.asyncProperty(objectsOf, objectsOf, async (recorded, present) => {
      const entries = inOrder(recorded).map(
        ({ key, bytes }): MediaEntry => ({ key, bytes, etag: String(bytes) }),
      );
      const found: string[] = [];
      for await (const batch of compareMedia(batches(entries), batches(inOrder(present).map(infoOf), 3)))
        found.push(
          ...batch.map((fault) => `${fault.kind} ${'entry' in fault ? fault.entry.key : fault.key}`),
        );
      const expected = inOrder(recorded).flatMap(({ key, bytes }) => {
        const object = present.find((other) => other.key === key);
        if (object === undefined) return [`missing ${key}`];
        return object.bytes === bytes ? [] : [`changed ${key}`];
      });
      expect(found).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});
