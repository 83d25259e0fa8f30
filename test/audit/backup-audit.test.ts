import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { idTime } from '../../src/catalog/backup-name.ts';
import { during } from '../support/during.ts';
import { runPgDump } from '../support/run-pg-dump.ts';
import { type AuditBed, brief, createAuditBed } from './audit-bed.ts';
import { CASES } from './era-cases.ts';

const never = new AbortController().signal;
let bed: AuditBed;

afterEach(() => bed.close());

async function backup(env = {}): Promise<string> {
  const { status, stdout, stderr } = await bed.run(['backup', '--json'], env);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return (JSON.parse(stdout) as { id: string }).id;
}

const remove = (id: string, ...parts: string[]) =>
  bed.store.remove(
    parts.map((part) => `backup/postgres-backup-${id}.${part}`),
    never,
  );

describe.each(CASES)('$name', ({ era, sql, objects, findings }) => {
  test('a backup of it dangles as the database does, with and without manifest and list of media', async () => {
    bed = await createAuditBed(inject('postgres'), sql);
    for (const key of objects) await bed.put(key);
    const live = await bed.report();
    const id = await backup();
    const dangling = findings.filter((finding) => !finding.startsWith('orphan'));
    const same = { era, references: live.references, prefixes: live.prefixes, objects: live.objects };

    const told = await bed.report(['--backup', id]);
    expect(brief(told.findings)).toEqual(dangling);
    expect(told).toMatchObject({ ...same, backup: id, database: bed.database.name });
    expect(told.totals).toMatchObject({ orphan: null, protected: null, pending: null });

    const shown = async (args: string[]) => /^dangling: .*?\n\n/ms.exec((await bed.audit(args)).stdout)?.[0];
    expect(await shown(['--backup', id])).toBe(await shown([]));

    const outlook = async () => {
      const { stdout } = await bed.audit(['--all-backups', '--json']);
      return (JSON.parse(stdout) as object[])[0];
    };
    const count = dangling.filter((finding) => finding.startsWith('dangling')).length;
    expect(await outlook()).toMatchObject({ id, by: 'media manifest', dangling: count, changed: 0 });
    await remove(id, 'media.ndjson.gz');
    expect(await outlook()).toEqual({
      id,
      by: 'dump',
      references: live.references,
      dangling: count,
      changed: null,
    });

    await remove(id, 'manifest.json');
    const foreign = await bed.report(['--backup', 'latest'], { AUDIT_SORT_MEMORY: '1' });
    expect(brief(foreign.findings)).toEqual(dangling);
    expect(foreign).toMatchObject({ ...same, at: idTime(id)?.toISOString(), database: null });
  });
});

const NAMED = {
  AUDIT_REFERENCES: '[{"column": "files.key"}, {"table": "albums", "owns": "albums/{id}/"}]',
  AUDIT_GRACE: '0',
};

async function createFiles(options = ''): Promise<void> {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE files (id int PRIMARY KEY, key text);
     CREATE TABLE albums (id int PRIMARY KEY);
     INSERT INTO albums VALUES (7);
     INSERT INTO files VALUES (1, E'tab\\there'), (2, '/slash'), (3, 'é'), (4, E'back\\\\slash'), (5, 'z')`,
    options,
  );
}

test.each(['UTF8', 'LATIN1'])(
  'keys come out of a dump in %s as the database holds them',
  async (encoding) => {
    await createFiles(`ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    await backup(NAMED);
    const live = await bed.report([], NAMED);
    const told = await bed.report(['--backup', 'latest'], NAMED);
    expect(live.findings).toHaveLength(5);
    expect(brief(told.findings)).toEqual(brief(live.findings));
  },
);

test.each(['EUC_KR', 'EUC_JP', 'EUC_CN'])(
  'what a row names in letters that a dump in %s may have otherwise is not moved if only a dump could tell',
  async (encoding) => {
    bed = await createAuditBed(
      inject('postgres'),
      `CREATE TABLE files (id int PRIMARY KEY, key text); CREATE TABLE albums (id int PRIMARY KEY);
       INSERT INTO files VALUES (1, '日本'), (2, 'z')`,
      `ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    const keys = ['media/z', 'media/日本'];
    for (const key of keys) await bed.put(key);
    expect((await bed.report([], NAMED)).findings).toEqual([]);
    await backup({ ...NAMED, MEDIA_MANIFEST: 'off' });
    await bed.database.query('DELETE FROM files WHERE id = 1');
    const told = {
      status: 1,
      stderr: expect.stringContaining(
        `of its encoding ${encoding}, only ASCII is read exactly as PostgreSQL reads it, and a row has other characters — `,
      ),
    };
    expect(await bed.audit(['--quarantine', '--yes'], NAMED)).toMatchObject(told);
    expect(await bed.audit(['--backup', 'latest'], NAMED)).toMatchObject(told);
    expect(await bed.keys()).toEqual(expect.arrayContaining(keys));
    await backup({ ...NAMED, MEDIA_MANIFEST: 'off' });
    expect(await bed.audit(['--backup', 'latest'], NAMED)).toMatchObject({ status: 0 });
  },
);

test.each(['UTF8', 'LATIN1'])(
  'rows have in a dump in %s the primary keys that the database prints',
  async (encoding) => {
    bed = await createAuditBed(
      inject('postgres'),
      `CREATE TABLE files (id text PRIMARY KEY, key text); CREATE TABLE albums (id int);
       INSERT INTO files VALUES (E'\\u00fc\\t\\\\', 'gone')`,
      `ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    await backup(NAMED);
    const { findings } = await bed.report(['--backup', 'latest'], NAMED);
    expect(brief(findings)).toEqual(['dangling media/gone of files.key ü\t\\']);
  },
);

test('an object that no row names, but a kept backup, is protected, from its list as from its dump', async () => {
  await createFiles();
  for (const key of ['z', 'albums/7/x', 'orphan', 'é']) await bed.put(`media/${key}`);
  const first = await backup(NAMED);
  await bed.database.query(`DELETE FROM files WHERE key = 'é'`);
  const second = await backup(NAMED);
  await bed.database.query('DELETE FROM files; DELETE FROM albums');
  const seen = async () =>
    (await bed.report([], NAMED)).findings.map((finding) =>
      finding.kind === 'protected' ? [finding.key, finding.backups] : [finding.kind, finding.key],
    );
  const expected = [
    ['media/albums/7/x', [second, first]],
    ['orphan', 'media/orphan'],
    ['media/z', [second, first]],
    ['media/é', [first]],
  ];
  expect(await seen()).toEqual(expected);
  await remove(first, 'media.ndjson.gz');
  expect(await seen()).toEqual(expected);
  await remove(first, 'manifest.json');
  expect(await seen()).toEqual(expected);
});

test('a backup that cannot be read is told, for an orphan may be its', async () => {
  await createFiles();
  await bed.put('media/z');
  const id = await backup(NAMED);
  await bed.database.query('DELETE FROM files');
  await remove(id, 'sql', 'media.ndjson.gz');
  const { unread, findings } = await bed.report([], NAMED);
  expect(brief(findings)).toEqual(['orphan media/z']);
  expect(unread).toEqual([{ id, problem: expect.stringMatching(/is missing/) }]);
  const { stdout, stderr } = await bed.audit([], NAMED);
  expect(stdout).toMatch(new RegExp(`1 orphaned .*; not compared with backup ${id}`));
  expect(stderr).toMatch(/cannot determine which media backup/);
  expect(JSON.parse((await bed.audit(['--all-backups', '--json'], NAMED)).stdout)).toEqual([
    { id, problem: expect.stringMatching(/is missing/) },
  ]);
});

test('what is named by a column that was not known when the backup was taken is protected by its dump', async () => {
  await createFiles();
  for (const key of ['z', 'albums/7/x', 'orphan']) await bed.put(`media/${key}`);
  const fewer = { AUDIT_REFERENCES: '[{"table": "albums", "owns": "albums/{id}/"}]' };
  const id = await backup(fewer);
  await bed.database.query('DELETE FROM files; DELETE FROM albums');
  const seen = async (env: object) => brief((await bed.report([], { ...NAMED, ...env })).findings);
  const both = ['protected media/albums/7/x', 'orphan media/orphan', 'protected media/z'];
  expect(await seen({})).toEqual(both);
  const outlook = async (env: object) =>
    JSON.parse((await bed.audit(['--all-backups', '--json'], { ...NAMED, ...env })).stdout);
  expect(await outlook({})).toEqual([{ id, by: 'dump', references: 5, dangling: 4, changed: null }]);
  expect(await outlook(fewer)).toEqual([
    { id, by: 'media manifest', references: 1, dangling: 0, changed: 0 },
  ]);
  expect((await bed.run(['restore', id, '--dry-run'], NAMED)).stderr).toMatch(
    `of 5 media objects that the backup’s rows own, 4 missing: see \`audit-orphans --backup ${id}\``,
  );
  // Of the list alone, which knows the albums.
  await remove(id, 'sql');
  expect(await seen(fewer)).toEqual(['protected media/albums/7/x', 'orphan media/orphan', 'orphan media/z']);
  expect(await seen({})).toEqual(['protected media/albums/7/x', 'orphan media/orphan', 'orphan media/z']);
  expect((await bed.report([], NAMED)).unread).toEqual([
    { id, problem: expect.stringMatching(/is missing/) },
  ]);
});

test.each(['pushed', 'copied in by hand'])(
  'of a dump of INSERT statements, %s, it is not known which media its rows name',
  async (how) => {
    await createFiles();
    await bed.put('media/z');
    const id = '20260102030405';
    const dump = await runPgDump(bed.database.env, ['--inserts', bed.database.name]);
    if (how === 'pushed') {
      const file = join(bed.directory, `postgres-backup-${id}.sql`);
      writeFileSync(file, dump);
      expect(await bed.run(['push', file])).toMatchObject({ status: 0 });
    } else {
      const options = { ifAbsent: true, contentType: 'application/sql', signal: never };
      await bed.store.put(`backup/postgres-backup-${id}.sql`, dump, options);
    }
    await bed.database.query('DELETE FROM files');
    const { unread, findings } = await bed.report([], NAMED);
    expect(brief(findings)).toEqual(['orphan media/z']);
    expect(unread).toEqual([{ id, problem: expect.stringMatching(/they are INSERT statements/) }]);
    expect(await bed.audit(['--quarantine', '--yes'], NAMED)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(new RegExp(`which of them backup ${id} needs: .*INSERT statements`)),
    });
    expect(await bed.keys()).toContain('media/z');
    expect(await bed.audit(['--backup', id], NAMED)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/they are INSERT statements, .* — make dumps without --inserts/),
    });
  },
);

test('a dump without any table names no media', async () => {
  bed = await createAuditBed(inject('postgres'), `CREATE SEQUENCE numbers; SELECT nextval('numbers')`);
  await backup({ MEDIA_MANIFEST: 'off' });
  await bed.database.query('CREATE TABLE files (id int PRIMARY KEY, key text)');
  await bed.put('media/z');
  const named = { ...NAMED, AUDIT_REFERENCES: '[{"column": "files.key"}]' };
  const { unread, findings } = await bed.report([], named);
  expect({ unread, findings: brief(findings) }).toEqual({ unread: [], findings: ['orphan media/z'] });
});

test('a backup of which neither its list nor its dump can be read is told of once', async () => {
  await createFiles();
  await bed.put('media/z');
  const id = await backup({ AUDIT_REFERENCES: '[{"table": "albums", "owns": "albums/{id}/"}]' });
  await remove(id, 'sql');
  await bed.store.put(`backup/postgres-backup-${id}.media.ndjson.gz`, Buffer.from('no gzip'), {
    ifAbsent: false,
    contentType: 'application/gzip',
    signal: never,
  });
  await bed.database.query('DELETE FROM files');
  expect((await bed.report([], NAMED)).unread.map((backup) => backup.id)).toEqual([id]);
});

/** A list of enough objects to be cut by, the latter half of which comes first. */
const DISORDER = Array.from({ length: 4000 }, (_, at) => {
  const key = `media/m${String((at + 2000) % 4000).padStart(4, '0')}`;
  return `${JSON.stringify({ key, bytes: 1, etag: 'x' })}\n`;
});

test.each([
  ['is damaged', Buffer.from('no gzip'), /cannot read the list of media/],
  ['is in disorder', gzipSync(DISORDER.join('')), /cannot compare a backup’s media: its list has/],
])('a list of media that %s is told of its backup, and the others are audited', async (_, list, problem) => {
  await createFiles();
  for (const key of ['m3000', 'z']) await bed.put(`media/${key}`);
  const sound = await backup(NAMED);
  const id = await backup(NAMED);
  await bed.store.put(`backup/postgres-backup-${id}.media.ndjson.gz`, list, {
    ifAbsent: false,
    contentType: 'application/gzip',
    signal: never,
  });
  const { stdout, stderr } = await bed.audit(['--all-backups', '--json'], NAMED);
  expect({ stderr, outlook: stdout && JSON.parse(stdout) }).toEqual({
    stderr: '',
    outlook: [
      { id, problem: expect.stringMatching(problem) },
      { id: sound, by: 'media manifest', references: 5, dangling: 4, changed: 0 },
    ],
  });
});

test('a backup that is being deleted meanwhile is left out, and is no fault', async () => {
  await createFiles();
  const older = await backup(NAMED);
  const newer = await backup(NAMED);
  for (const gone of ['media/a', 'media/b']) await bed.put(gone);
  // What a prune deletes last stays.
  during(bed, { operation: 'GetObject', key: new RegExp(`${older}.media`) }, () =>
    remove(older, 'sql', 'media.ndjson.gz'),
  );
  const { stdout, stderr } = await bed.audit(['--all-backups', '--json'], NAMED);
  expect(stderr).toContain(`backup ${older} was deleted meanwhile`);
  expect(JSON.parse(stdout)).toMatchObject([{ id: newer }]);
});

test('backups among the media hide none of them, and are no orphans', async () => {
  await createFiles();
  for (const key of ['z', 'orphan']) await bed.put(`media/${key}`);
  const among = { ...NAMED, S3_PREFIX: 'media' };
  const id = await backup(among);
  const { totals, findings } = await bed.report([], among);
  expect(totals).toMatchObject({ dangling: { count: 4 }, orphan: { count: 1 } });
  expect(brief(findings)).toContain('orphan media/orphan');
  const [outlook] = JSON.parse((await bed.audit(['--all-backups', '--json'], among)).stdout);
  expect(outlook).toMatchObject({ id, by: 'media manifest', references: 5, dangling: 4, changed: 0 });
});

test('a backup from before the application made its tables needs nothing', async () => {
  const empty = await createAuditBed(inject('postgres'), 'CREATE SCHEMA later');
  try {
    expect(await empty.run(['backup'])).toMatchObject({ status: 0 });
    const { status, stdout } = await empty.audit(['--all-backups', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ by: 'dump', references: 0, dangling: 0 }]);
    await empty.database.query('CREATE TABLE other (id int)');
    expect(await empty.run(['backup'])).toMatchObject({ status: 0 });
    expect(await empty.audit(['--all-backups'])).toMatchObject({ status: 3 });
  } finally {
    await empty.close();
  }
});

test.each([[[]], [['--all-backups']], [['--backup', 'latest']], [['--quarantine', '--yes']]])(
  'audit-orphans %j says what may be mistyped, and takes no quarantine that holds the media',
  async (args) => {
    await createFiles();
    await backup(NAMED);
    const env = { ...NAMED, AUDIT_REFERENCE: '[]' };
    expect((await bed.audit(args, env)).stderr).toMatch(
      /WARN.*AUDIT_REFERENCE .*did you mean AUDIT_REFERENCES\?/,
    );
    expect(await bed.audit(args, { ...NAMED, QUARANTINE_PREFIX: 'media' })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('media/ is under QUARANTINE_PREFIX media/'),
    });
  },
);

test.each([
  [['--yes'], '--yes applies only to --quarantine: a plain audit asks no questions'],
  [['--all-backups', '--yes'], '--yes applies only to --quarantine: a plain audit asks no questions'],
  [['--lock-wait', '1m'], 'an audit without --quarantine does not accept --lock-wait'],
  [['--backup', 'latest', '--grace', '1d'], 'an audit of backups does not accept --grace'],
  [
    ['--all-backups', '--host', 'x', '--grace', '1d'],
    'an audit of backups does not accept --host or --grace',
  ],
])('%j is refused, for it would be in vain', async (args, problem) => {
  bed = await createAuditBed(inject('postgres'), '');
  expect(await bed.audit(args)).toMatchObject({ status: 2, stderr: expect.stringContaining(problem) });
});

test('of a backup of no known era the error names what chooses the backup, not the database', async () => {
  await createFiles();
  await backup({ MEDIA_MANIFEST: 'off' });
  const refused = /the dump matches no known era .* — check S3_PREFIX, or name /;
  expect(await bed.audit(['--backup', 'latest'])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(refused),
  });
  expect(await bed.audit(['--all-backups'])).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(refused),
  });
});

test.each([
  [['--backup', 'x'], 2, /--backup: "x" is not accepted/],
  [['--backup', '20200101000000'], 4, /cannot use backup 20200101000000: there is no such backup/],
  [['--all-backups', '--csv', 'x.csv'], 2, /cannot be combined/],
  [['--backup', 'latest'], 1, /SHA-256 does not match the manifest/],
])('%j is refused', async (args, status, message) => {
  await createFiles();
  const id = await backup({ MEDIA_MANIFEST: 'off' });
  const key = `backup/postgres-backup-${id}.sql`;
  const dump: Buffer[] = [];
  for await (const chunk of (await bed.store.get(key, { signal: never }))!.body) dump.push(chunk as Buffer);
  const other = Buffer.concat(dump).toString('latin1').replace('\tz\n', '\ty\n');
  await bed.store.put(key, Buffer.from(other, 'latin1'), {
    ifAbsent: false,
    contentType: 'application/sql',
    signal: never,
  });
  expect(await bed.audit(args, NAMED)).toMatchObject({ status, stderr: expect.stringMatching(message) });
});
