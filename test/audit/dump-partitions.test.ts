import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, inject, test } from 'vitest';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { type AuditBed, createAuditBed } from './audit-bed.ts';

const { signal } = new AbortController();
let bed: AuditBed;

afterEach(() => bed.close());

interface Case {
  readonly about: string;
  readonly sql: string;
  /** Removes all rows. */
  readonly empty: string;
  readonly references?: readonly object[];
}

const MANIFEST = 'id bigint, file varchar(512), created timestamptz DEFAULT now()';
const KEYS = ['media/f/1', 'media/f/2', 'media/f/3'];
const ROWS = `VALUES (1, 'f/1'), (2, 'f/2'), (3, 'f/3')`;

const CASES: readonly Case[] = [
  {
    about: 'partitions of a table of TopoBank, and of a partition',
    sql: `CREATE TABLE files_manifest (${MANIFEST}, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE low PARTITION OF files_manifest FOR VALUES FROM (1) TO (2);
      CREATE SCHEMA parts;
      CREATE TABLE parts."high, all" PARTITION OF files_manifest FOR VALUES FROM (2) TO (9) PARTITION BY HASH (id);
      CREATE TABLE parts.h0 PARTITION OF parts."high, all" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE parts.h1 PARTITION OF parts."high, all" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO files_manifest (id, file) ${ROWS}`,
    empty: 'TRUNCATE files_manifest',
  },
  {
    about: 'tables that inherit from one of TopoBank, and from those',
    sql: `CREATE TABLE files_manifest (${MANIFEST}, PRIMARY KEY (id));
      CREATE TABLE "old, (1)" (more text) INHERITS (files_manifest);
      CREATE TABLE older () INHERITS ("old, (1)");
      INSERT INTO files_manifest (id, file) VALUES (1, 'f/1');
      INSERT INTO "old, (1)" (id, file) VALUES (2, 'f/2');
      INSERT INTO older (id, file) VALUES (3, 'f/3')`,
    empty: 'TRUNCATE files_manifest',
  },
  {
    about: 'partitions of a table of AUDIT_REFERENCES',
    sql: `CREATE SCHEMA art; CREATE TABLE art.gallery (id int PRIMARY KEY, file text) PARTITION BY HASH (id);
      CREATE TABLE art.g0 PARTITION OF art.gallery FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE art.g1 PARTITION OF art.gallery FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO art.gallery ${ROWS}`,
    empty: 'TRUNCATE art.gallery',
    references: [{ column: 'art.gallery.file' }],
  },
];

const WAYS = ['with a manifest', 'foreign', 'compressed'] as const;

test.each(CASES.flatMap((each) => WAYS.map((way) => ({ ...each, way }))))(
  'of a backup without a list of media ($way), the rows of $about count as those of the table',
  async ({ sql, empty, references, way }) => {
    bed = await createAuditBed(inject('postgres'), sql);
    const args = references === undefined ? [] : ['--references', JSON.stringify(references)];
    for (const key of KEYS) await bed.put(key);
    expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
    if (way !== 'with a manifest') await makeForeign(way === 'compressed');
    await bed.database.query(empty);

    const report = await bed.report([...args, '--backup', 'latest']);
    expect(report.references).toBe(3);
    expect(report.findings).toEqual([]);
    const live = await bed.report([...args, '--grace', '0']);
    expect(live.findings.map(({ kind, key }) => [kind, key])).toEqual(KEYS.map((key) => ['protected', key]));
  },
);

async function readDump(): Promise<{ readonly key: string; readonly dump: Buffer }> {
  const key = (await bed.keys()).find((each) => each.endsWith('.sql'))!;
  const answer = await bed.store.get(key, { signal });
  return { key, dump: Buffer.concat(await answer!.body.toArray()) };
}

/** Leaves only the dump, as another tool would have written it. */
async function makeForeign(compressed: boolean): Promise<void> {
  const { key, dump } = await readDump();
  await bed.store.remove(
    (await bed.keys()).filter((each) => each.startsWith('backup/')),
    signal,
  );
  const options = { ifAbsent: true, contentType: 'application/sql', signal } as const;
  await bed.store.put(compressed ? `${key}.gz` : key, compressed ? gzipSync(dump) : dump, options);
}

test('a generated column of a partitioned table is refused', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE gallery (id int PRIMARY KEY, file text, path text GENERATED ALWAYS AS ('up/' || id::text) STORED)
       PARTITION BY HASH (id);
     CREATE TABLE g0 PARTITION OF gallery FOR VALUES WITH (MODULUS 1, REMAINDER 0);
     INSERT INTO gallery VALUES (1, 'f/1')`,
  );
  await bed.put('media/f/1');
  await bed.put('media/up/1');
  expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  const references = JSON.stringify([{ column: 'gallery.file' }, { column: 'gallery.path' }]);
  expect(await bed.audit(['--references', references, '--backup', 'latest'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(
      'public.gallery.path is a generated column, whose values are not in a dump',
    ),
  });
});

test('nothing is told of a backup whose statements were altered', async () => {
  bed = await createAuditBed(inject('postgres'), CASES[0]!.sql);
  for (const key of KEYS) await bed.put(key);
  expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  const { key, dump } = await readDump();
  const altered = Buffer.from(dump.toString().replaceAll('ATTACH PARTITION', 'ATTACH_PARTITION'));
  await bed.store.put(key, altered, { ifAbsent: false, contentType: 'application/sql', signal });
  expect(await bed.audit(['--backup', 'latest'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /cannot read the tables of \S+: section pre-data is sha256:[0-9a-f]{12}… instead of sha256:[0-9a-f]{12}… — use another backup/,
    ),
  });
});

test('a generated column of a table that only has a name of TopoBank’s is none of an audit’s business', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE docs (id int PRIMARY KEY, file text); INSERT INTO docs VALUES (1, 'f/1');
     CREATE TABLE publication_publication (
       id int PRIMARY KEY, container text GENERATED ALWAYS AS ('up/' || id::text) STORED);
     INSERT INTO publication_publication VALUES (1)`,
  );
  expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  const references = JSON.stringify([{ column: 'docs.file' }]);
  const report = await bed.report(['--references', references, '--backup', 'latest']);
  expect(report.findings.map(({ kind, key }) => [kind, key])).toEqual([['dangling', 'media/f/1']]);
});

test('the rows of a pushed dump without pg_dump’s comments, which show no sections, are read like any others', async () => {
  bed = await createAuditBed(inject('postgres'), CASES[0]!.sql);
  for (const key of KEYS) await bed.put(key);
  expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  const { dump } = await readDump();
  const bare = dump.toString().replaceAll(/^--\n-- .*Name: .*\n--\n/gm, '');
  const directory = scratchDirectory('bare-dump');
  try {
    const file = join(directory.path, 'bare.sql');
    await writeFile(file, bare);
    const pushed = await bed.run(['push', file, '--json', '--quiet']);
    const { id } = JSON.parse(pushed.stdout) as { id: string };
    expect((await bed.report(['--backup', id])).references).toBe(3);
  } finally {
    directory.remove();
  }
});
