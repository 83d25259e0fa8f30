import { afterEach, expect, inject, test } from 'vitest';
import { type AuditBed, createAuditBed } from './audit-bed.ts';

let bed: AuditBed;

afterEach(() => bed.close());

const KINDS = inject('postgresMajor') >= 18 ? ['STORED', 'VIRTUAL'] : ['STORED'];
const FILE = { column: 'm.file' };

test.each(
  KINDS.flatMap((kind) =>
    ['m', 'base'].flatMap(
      (parent) =>
        [
          [kind, parent, { column: 'm.Path' }],
          [kind, parent, { table: 'm', owns: '{Path}' }],
        ] as const,
    ),
  ),
)(
  'what a generated column (%s, of %s) names is not moved if only a dump could tell (%j)',
  async (kind, parent, source) => {
    bed = await createAuditBed(
      inject('postgres'),
      `CREATE TABLE ${parent} (id int PRIMARY KEY, file text, "Path" text GENERATED ALWAYS AS ('up/' || id::text) ${kind});
     ${parent === 'm' ? '' : `CREATE TABLE "Odd, (name"() INHERITS (${parent}); CREATE TABLE m (PRIMARY KEY (id)) INHERITS ("Odd, (name")`};
     INSERT INTO m VALUES (1, 'f/1'), (2, 'f/2')`,
    );
    const keys = ['media/f/1', 'media/f/2', 'media/up/1', 'media/up/2'];
    for (const key of keys) await bed.put(key);
    const references = ['--references', JSON.stringify([FILE, source])];
    expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
    expect((await bed.report([...references, '--grace', '0'])).findings).toEqual([]);
    await bed.database.query('DELETE FROM m WHERE id = 2');
    const told = 'public.m.Path is a generated column, whose values are not in a dump — ';
    expect(await bed.audit([...references, '--grace', '0', '--quarantine', '--yes'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(told),
    });
    expect(await bed.audit([...references, '--backup', 'latest'])).toMatchObject({
      stderr: expect.stringContaining(told),
    });
    expect(await bed.keys()).toEqual(expect.arrayContaining(keys));
  },
);

test('a column that the table of a backup did not have yet owns nothing in it', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE m (id int PRIMARY KEY, file text, made text GENERATED ALWAYS AS ('x') STORED);
     INSERT INTO m VALUES (1, 'f/1')`,
  );
  await bed.put('media/f/1');
  expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  await bed.database.query('ALTER TABLE m ADD later text');
  const references = ['--references', JSON.stringify([FILE, { column: 'm.later' }])];
  expect((await bed.report([...references, '--grace', '0'])).unread).toEqual([]);
});

// Since PostgreSQL 16 a column is generated in both or in neither.
test.skipIf(inject('postgresMajor') >= 16).each([
  [
    'inherits',
    `CREATE TABLE m (id int PRIMARY KEY, file text);
     CREATE TABLE part (id int, file text GENERATED ALWAYS AS ('auto/' || id::text) STORED) INHERITS (m)`,
  ],
  [
    'is a partition',
    `CREATE TABLE m (id int PRIMARY KEY, file text) PARTITION BY LIST (id);
     CREATE TABLE other PARTITION OF m FOR VALUES IN (1);
     CREATE TABLE part (id int NOT NULL, file text GENERATED ALWAYS AS ('auto/' || id::text) STORED);
     ALTER TABLE m ATTACH PARTITION part FOR VALUES IN (2)`,
  ],
])('what a column names that is generated only in a table that %s is not moved', async (_how, tables) => {
  bed = await createAuditBed(
    inject('postgres'),
    `${tables}; INSERT INTO m VALUES (1, 'f/1'); INSERT INTO part (id) VALUES (2)`,
  );
  const keys = ['media/auto/2', 'media/f/1'];
  for (const key of keys) await bed.put(key);
  const references = ['--references', JSON.stringify([FILE])];
  expect(await bed.run(['backup'], { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM m');
  const told = expect.stringContaining('public.m.file is a generated column, whose values are not in a dump');
  expect(await bed.audit([...references, '--grace', '0', '--quarantine', '--yes'])).toMatchObject({
    status: 1,
    stderr: told,
  });
  expect(await bed.audit([...references, '--backup', 'latest'])).toMatchObject({ status: 1, stderr: told });
  expect(await bed.keys()).toEqual(expect.arrayContaining(keys));
});
