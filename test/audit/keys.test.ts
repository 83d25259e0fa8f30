import { afterEach, expect, inject, test } from 'vitest';
import { type AuditBed, brief, createAuditBed } from './audit-bed.ts';

let bed: AuditBed;

afterEach(() => bed.close());

const NAMED = { AUDIT_REFERENCES: '[{"column": "files.key"}]' };
const TABLE = 'CREATE TABLE files (id text PRIMARY KEY, key text);';

test('keys with everything that COPY, XML and addresses escape', async () => {
  const keys = [
    'a b',
    'a+b',
    'a%20b',
    'a&b',
    `a'b"c`,
    '<a>',
    'back\\slash',
    'tab\tbed',
    'line\nfeed',
    '\\N',
    '\\.',
    ' a ',
    '100%',
    'é',
    '表面',
    '\u{1f600}',
    '\uffff',
  ];
  bed = await createAuditBed(inject('postgres'), TABLE);
  for (const key of keys) {
    await bed.put(`media/${key}`);
    await bed.put(`media/${key}~orphan`);
    await bed.database.query('INSERT INTO files VALUES ($1, $1), ($2, $2)', [key, `${key}~dangling`]);
  }
  const { findings, totals } = await bed.report([], NAMED);
  const inOrder = (suffix: string) =>
    keys
      .map((key) => Buffer.from(`media/${key}${suffix}`))
      .sort(Buffer.compare)
      .map(String);
  const of = (kind: string) => findings.filter((finding) => finding.kind === kind);
  expect(of('orphan').map(({ key }) => key)).toEqual(inOrder('~orphan'));
  expect(of('dangling').map(({ key }) => key)).toEqual(inOrder('~dangling'));
  for (const finding of of('dangling')) {
    expect(finding).toMatchObject({ primaryKey: finding.key.slice('media/'.length) });
  }
  expect(totals).toMatchObject({ orphan: { count: keys.length }, dangling: { count: keys.length } });
});

test('null and empty are no file; a slash in front is left out; the media prefix is none of a key', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `${TABLE} INSERT INTO files VALUES ('1', NULL), ('2', ''), ('3', '/'), ('4', '/a'), ('5', 'media/b')`,
  );
  for (const key of ['media/a', 'media/b', 'media/media/b']) await bed.put(key);
  expect(brief((await bed.report([], NAMED)).findings)).toEqual(['orphan media/b']);
});

test('a prefix before the keys, patterns of several columns, a composite primary key, a schema of its own', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE SCHEMA shop;
     CREATE TABLE shop."Order" (year int, number int, invoice varchar(50), slug text, PRIMARY KEY (year, number));
     INSERT INTO shop."Order" VALUES (2025, 1, 'a.pdf', 'x'), (2025, 2, 'b.pdf', ''), (2026, 1, '', NULL)`,
  );
  const references = [
    { column: 'shop.Order.invoice', prefix: 'invoices/' },
    { table: 'shop.Order', owns: ['orders/{year}/{number}/', 'slugs/{slug}/'] },
  ];
  const objects = [
    'invoices/a.pdf',
    'orders/2025/1/x',
    'orders/2025/3/x',
    'slugs/x/1',
    'slugs//1',
    'slugs/y/1',
  ];
  for (const key of objects) await bed.put(`media/${key}`);
  const report = await bed.report(['--references', JSON.stringify(references)]);
  expect(report.era).toBeNull();
  expect(brief(report.findings)).toEqual([
    'dangling media/invoices/b.pdf of shop.Order.invoice 2025,2',
    'orphan media/orders/2025/3/x',
    'orphan media/slugs//1',
    'orphan media/slugs/y/1',
  ]);
});

test('rows whose composite keys differ but by where a comma stands are told apart', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE c (x text, y text, key text, PRIMARY KEY (x, y));
     INSERT INTO c VALUES ('a', 'b,c', 'missing'), ('a,b', 'c', 'there'), ('a\\', 'c', 'lost'), ('a', '\\,c', 'gone')`,
  );
  await bed.put('media/there');
  const report = await bed.report(['--references', '[{"column": "c.key"}]']);
  expect(brief(report.findings)).toEqual([
    'dangling media/gone of c.key a,\\\\\\,c',
    'dangling media/lost of c.key a\\\\,c',
    'dangling media/missing of c.key a,b\\,c',
  ]);
});

test('rows are found by a primary key that is an array', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE tile (place int[] PRIMARY KEY, file text); INSERT INTO tile VALUES ('{1,2}', 'here'), ('{3}', 'gone')`,
  );
  await bed.put('media/here');
  const { findings } = await bed.report([], { AUDIT_REFERENCES: '[{"column": "tile.file"}]' });
  expect(findings).toMatchObject([{ kind: 'dangling', key: 'media/gone', primaryKey: '{3}' }]);
});

test('empty objects, shared keys, rows that are young by their own column', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE files (id serial PRIMARY KEY, key text, other text, modified timestamptz);
     INSERT INTO files (key, other, modified) VALUES
       ('empty', NULL, now()), ('both', 'twice', now()), ('twice', 'both', now()), ('once', 'once', now()), ('new', NULL, now()), ('old', NULL, now() - interval '2 days'), ('ageless', NULL, NULL)`,
  );
  await bed.put('media/empty', '');
  await bed.put('media/both', '12345');
  await bed.put('media/twice', '1');
  await bed.put('media/once', '1');
  await bed.put('media/fresh', 'x', 1000);
  await bed.put('media/folder/', '');
  const references = JSON.stringify([
    { column: 'files.key', written: 'modified' },
    { column: 'files.other', written: 'modified' },
  ]);
  const report = await bed.report(['--references', references]);
  expect(brief(report.findings)).toEqual([
    'dangling media/ageless of files.key 7',
    'shared media/both by 2 rows',
    'empty media/empty of files.key 1',
    'pending media/new of files.key 5',
    'dangling media/old of files.key 6',
    'shared media/twice by 2 rows',
  ]);
  expect(report).toMatchObject({ references: 10, objects: 6, bytes: 8 });
  expect(report.totals).toEqual({
    dangling: { count: 2, bytes: 0 },
    orphan: { count: 0, bytes: 0 },
    pending: { count: 1, bytes: 0 },
    empty: { count: 1, bytes: 0 },
    shared: { count: 2, bytes: 6 },
    protected: { count: 0, bytes: 0 },
  });
  const later = await bed.report(['--references', references, '--grace', '0']);
  expect(brief(later.findings).filter((line) => /fresh|new/.test(line))).toEqual([
    'orphan media/fresh',
    'dangling media/new of files.key 5',
  ]);
});

test('media at the root of the bucket, beside backups', async () => {
  bed = await createAuditBed(inject('postgres'), `${TABLE} INSERT INTO files VALUES ('1', 'a/x')`);
  for (const key of ['a/x', 'a/y', 'b', 'backup/postgres-backup-20200101000000.sql']) await bed.put(key);
  const report = await bed.report([], { ...NAMED, AWS_MEDIA_PREFIX: '/' });
  expect(brief(report.findings)).toEqual(['orphan a/y', 'orphan b']);
  expect(report.byPrefix.map(({ prefix, objects }) => [prefix, objects])).toEqual([
    ['', 1],
    ['a/', 2],
  ]);
});

test.each([
  [`ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`, "'gr' || chr(252) || 'n'", 'grün'],
  [`ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`, `convert_from('\\xc3bc', 'SQL_ASCII')`, 'ü'],
])('a database with %s', async (options, key, expected) => {
  bed = await createAuditBed(
    inject('postgres'),
    `${TABLE} INSERT INTO files VALUES ('1', ${key}), ('2', ${key} || '2')`,
    options,
  );
  await bed.put(`media/${expected}`);
  expect(brief((await bed.report([], NAMED)).findings)).toEqual([
    `dangling media/${expected}2 of files.key 2`,
  ]);
});

test('bytes that are no UTF-8 name no object, and stop nothing', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `${TABLE} INSERT INTO files VALUES ('1', convert_from('\\x61ff62', 'SQL_ASCII')), ('2', 'z')`,
    `ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`,
  );
  await bed.put('media/z');
  expect(brief((await bed.report([], NAMED)).findings)).toEqual(['dangling media/a\ufffdb of files.key 1']);
});
