import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidate, joinReferences } from '../../src/audit/join/join-references.ts';
import type { Reference } from '../../src/audit/rows/references.ts';
import type { MatchedSource } from '../../src/audit/sources/match-sources.ts';
import { keyBytes, keyOf } from '../../src/s3/key-bytes.ts';
import type { ObjectInfo } from '../../src/s3/store.ts';

const CUTOFF = new Date('2026-01-02T00:00:00.500Z');
const OLD = new Date('2026-01-01T00:00:00Z');

const source: MatchedSource = {
  relation: {
    schema: 'public',
    name: 't',
    columns: new Map([['id', 'bigint']]),
    mayRead: true,
    unreadable: new Set(),
    primaryKey: ['id'],
  },
  owned: { kind: 'key', column: 'file', under: '' },
  written: [],
};

let nextId = 0;

function row(key: string, more: Partial<Reference> = {}): Reference {
  nextId += 1;
  return {
    kind: 'key',
    key: keyBytes(key),
    source,
    young: false,
    id: String(nextId),
    ...more,
  };
}

function object(key: string, more: Partial<ObjectInfo> = {}): ObjectInfo {
  return { key, bytes: 1, lastModified: OLD, etag: '', ...more };
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Batches of random sizes, as a database and a server would send. */
async function* batches<T>(items: readonly T[], size = 2): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

async function join(
  rows: readonly Reference[],
  objects: readonly ObjectInfo[],
  size = 2,
): Promise<Candidate[]> {
  const found: Candidate[] = [];
  const candidates = joinReferences({
    references: batches(rows, size),
    objects: batches(objects, size),
    cutoff: CUTOFF,
  });
  for await (const batch of candidates) found.push(...batch);
  return found;
}

function brief(candidate: Candidate): string {
  const key =
    candidate.kind === 'shared'
      ? candidate.key
      : 'object' in candidate
        ? candidate.object.key
        : keyOf(candidate.reference.key);
  return `${candidate.kind} ${key}`;
}

const prefix = (key: string) => row(key, { kind: 'prefix' });

describe('one row, one object', () => {
  test.each<[string, Reference[], ObjectInfo[], string[]]>([
    ['nothing at all', [], [], []],
    ['a row and its object', [row('m/a')], [object('m/a')], []],
    ['a row without', [row('m/a')], [], ['dangling m/a']],
    ['a young row without', [row('m/a', { young: true })], [], ['pending m/a']],
    ['an object without', [], [object('m/a')], ['orphan m/a']],
    [
      'an object of the cutoff’s second',
      [],
      [object('m/a', { lastModified: new Date('2026-01-02T00:00:00Z') })],
      [],
    ],
    [
      'an object of the second before',
      [],
      [object('m/a', { lastModified: new Date('2026-01-01T23:59:59Z') })],
      ['orphan m/a'],
    ],
    ['an empty object with a row', [row('m/a')], [object('m/a', { bytes: 0 })], ['empty m/a']],
    ['an empty object without a row', [], [object('m/a', { bytes: 0 })], ['orphan m/a']],
    ['a folder marker', [], [object('m/a/', { bytes: 0 })], []],
    ['a dump', [], [object('m/backup/postgres-backup-20261123103000.sql')], []],
    ['a manifest', [], [object('m/old-postgres-backup-20261123103000.manifest.json')], []],
    [
      'what is named much like a backup',
      [],
      [object('m/postgres-backup-1.sql')],
      ['orphan m/postgres-backup-1.sql'],
    ],
    [
      'a dump of no time',
      [],
      [object('m/postgres-backup-20269923103000.sql')],
      ['orphan m/postgres-backup-20269923103000.sql'],
    ],
    [
      'an object whose key only begins alike',
      [row('m/a')],
      [object('m/a.jpg')],
      ['dangling m/a', 'orphan m/a.jpg'],
    ],
  ])('%s', async (_name, rows, objects, expected) => {
    expect((await join(rows, objects)).map(brief)).toEqual(expected);
  });
});

describe('prefixes', () => {
  test.each<[string, Reference[], ObjectInfo[], string[]]>([
    [
      'own what lies under them, to the last and no further',
      [prefix('m/5/')],
      [
        object('m/4/z'),
        object('m/5/'),
        object('m/5/a/b'),
        object('m/5/\u{10ffff}'),
        object('m/50'),
        object('m/6'),
      ],
      ['orphan m/4/z', 'orphan m/50', 'orphan m/6'],
    ],
    ['need no object', [prefix('m/5/')], [], []],
    [
      'may lie in one another',
      [prefix('m/5/'), prefix('m/5/a/'), prefix('m/6/')],
      [object('m/5/a/x'), object('m/5/b'), object('m/6/x'), object('m/7')],
      ['orphan m/7'],
    ],
    [
      'may hold keys that rows name',
      [prefix('m/5/'), row('m/5/a'), row('m/5/c')],
      [object('m/5/a', { bytes: 0 }), object('m/5/b')],
      ['empty m/5/a', 'dangling m/5/c'],
    ],
  ])('%s', async (_name, rows, objects, expected) => {
    expect((await join(rows, objects)).map(brief)).toEqual(expected);
  });
});

test('a key of several rows is told once, with the first ten; each row without its object dangles', async () => {
  const rows = [row('m/a'), ...Array.from({ length: 12 }, () => row('m/b')), row('m/c'), row('m/c')];
  const found = await join(rows, [object('m/a'), object('m/b', { bytes: 7 }), object('m/bb')]);
  expect(found.map(brief)).toEqual([
    'shared m/b',
    'orphan m/bb',
    'dangling m/c',
    'dangling m/c',
    'shared m/c',
  ]);
  expect(found[0]).toMatchObject({ bytes: 7, rows: 12, references: rows.slice(1, 11) });
  expect(found[4]).toMatchObject({ bytes: 0, rows: 2, references: rows.slice(13) });
});

test.each([
  ['rows', [row('m/b'), row('m/a')], [], /database sent "m\/a" after "m\/b"/],
  ['objects', [], [object('m/b'), object('m/a')], /S3 server listed "m\/a" after "m\/b"/],
  ['objects that come twice', [], [object('m/a'), object('m/a')], /S3 server listed "m\/a" after "m\/a"/],
  ['objects in the order of UTF-16', [], [object('m/\u{1f600}'), object('m/\uffff')], /not byte order/],
])('%s out of order are an error, not findings', async (_name, rows, objects, message) => {
  await expect(join(rows, objects)).rejects.toThrow(message);
});

/** Few letters, so that keys meet; among them those that UTF-16 orders otherwise. */
const anyKey = fc.string({
  unit: fc.constantFrom('a', 'b', '/', 'é', '\uffff', '\u{1f600}'),
  minLength: 1,
  maxLength: 4,
});
const anyRow = fc.record({ key: anyKey, kind: fc.constantFrom('key', 'key', 'prefix'), young: fc.boolean() });
const anyObject = fc.record({ key: anyKey, bytes: fc.nat(1), young: fc.boolean() });

test('as a comparison of everything with everything would find', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyRow, { maxLength: 12 }),
      fc.uniqueArray(anyObject, { maxLength: 12, selector: ({ key }) => key }),
      fc.integer({ min: 1, max: 4 }),
      async (givenRows, givenObjects, size) => {
        const rows = givenRows
          .toSorted((a, b) => byBytes(a.key, b.key))
          .map(({ key, kind, young }) => row(key, { kind: kind as 'key' | 'prefix', young }));
        const objects = givenObjects
          .map(({ key, bytes, young }) => object(key, { bytes, lastModified: young ? CUTOFF : OLD }))
          .sort((a, b) => byBytes(a.key, b.key));

        const expected: string[] = [];
        const named = givenRows.filter(({ kind }) => kind === 'key');
        const prefixes = givenRows.filter(({ kind }) => kind === 'prefix').map(({ key }) => key);
        const keys = new Set(objects.map(({ key }) => key));
        for (const { key, young } of named) {
          if (!keys.has(key)) expected.push(`${young ? 'pending' : 'dangling'} ${key}`);
        }
        for (const key of new Set(named.map((one) => one.key))) {
          if (named.filter((one) => one.key === key).length > 1) expected.push(`shared ${key}`);
        }
        for (const { key, bytes, lastModified } of objects) {
          const isNamed = named.some((one) => one.key === key);
          const isMarker = bytes === 0 && key.endsWith('/');
          if (isNamed && bytes === 0) expected.push(`empty ${key}`);
          if (isNamed || isMarker || lastModified !== OLD) continue;
          if (!prefixes.some((one) => key.startsWith(one))) expected.push(`orphan ${key}`);
        }
        expect((await join(rows, objects, size)).map(brief).sort()).toEqual(expected.sort());
      },
    ),
    { numRuns: 2000 },
  );
});

test('what it reads from is closed when nobody reads on', async () => {
  const closed: string[] = [];
  async function* endless<T>(name: string, make: (key: string) => T): AsyncGenerator<readonly T[]> {
    try {
      for (let n = 100_000; ; n++) yield [make(`m/${n}`)];
    } finally {
      closed.push(name);
    }
  }
  const candidates = joinReferences({
    references: endless('rows', (key) => row(`${key}-`)),
    objects: endless('objects', (key) => object(key)),
    cutoff: CUTOFF,
  });
  for await (const _ of candidates) break;
  expect(closed.sort()).toEqual(['objects', 'rows']);
});
