import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { withLock } from '../../src/postgres/advisory-lock.ts';
import { findFreeRun } from '../../src/quarantine/runs.ts';
import { openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import { onOtherServer } from '../support/bed-server.ts';
import { createTestDatabase } from '../support/database.ts';
import { during } from '../support/during.ts';
import { keepVersions } from '../support/keep-versions.ts';
import { keepingLog } from '../support/test-bed.ts';
import { createQuarantineBed, ORPHANS, type QuarantineBed } from './quarantine-bed.ts';

const never = new AbortController().signal;
const OWNED = ['media/albums/7/x', 'media/kept'];
let bed: QuarantineBed;

beforeEach(async () => {
  bed = await createQuarantineBed(inject('postgres'));
});

afterEach(() => bed.close());

const quarantine = (...more: string[]) => bed.command(['audit-orphans', '--quarantine', '--yes', ...more]);

test('orphans are moved, listed and brought back as they were', async () => {
  const before = await bed.describe('media/a b+ü');
  const moved = await quarantine('--json');
  expect(moved).toMatchObject({ status: 0 });
  const { quarantine: report, totals } = JSON.parse(moved.stdout) as {
    quarantine: { run: string; moved: object; left: object };
    totals: { orphan: { count: number; bytes: number } };
  };
  expect(report.moved).toEqual(totals.orphan);
  expect(report).toMatchObject({ moved: { count: 3 }, left: { count: 0 } });
  expect(await bed.places()).toEqual({ media: OWNED, quarantine: [...ORPHANS] });
  const [run] = await bed.runs();
  expect(run).toMatchObject({ run: report.run, objects: 3, state: 'done' });

  const one = await bed.command(['quarantine', 'restore', report.run, '--key', 'media/a b+ü']);
  expect(one).toMatchObject({ status: 0, stdout: expect.stringMatching(/restored 1 object /) });
  const { ContentType, Metadata } = before;
  expect(await bed.describe('media/a b+ü')).toMatchObject({ ContentType, Metadata });

  await bed.put('media/orphan', 'another one');
  const rest = await bed.command(['quarantine', 'restore', report.run, '--json']);
  expect(rest).toMatchObject({ status: 3 });
  expect(JSON.parse(rest.stdout)).toMatchObject({
    restored: { count: 1 },
    left: { first: [{ key: 'media/orphan', reason: 'another object has its key' }] },
  });
  expect(await bed.places()).toEqual({ media: [...OWNED, ...ORPHANS].sort(), quarantine: ['media/orphan'] });

  await bed.store.remove(['media/orphan'], never);
  expect(await bed.command(['quarantine', 'restore', report.run])).toMatchObject({ status: 0 });
  expect((await bed.keys()).filter((key) => key.startsWith('quarantine/'))).toEqual([]);
});

/** Takes one entry out of a list of media. */
const withoutOrphan = (lines: string) => lines.replace(/^.*"media\/orphan".*\n/m, '');

/** Puts the last entry of a list of media first. */
const lastFirst = (lines: string) => lines.replace(/^(.*\n)(.+\n)$/s, '$2$1');

/** Changes the lines of the list of media of the only backup. */
async function changeList(change: (lines: string) => string) {
  const key = (await bed.keys()).find((name) => name.endsWith('.media.ndjson.gz'))!;
  const { body } = (await bed.store.get(key, { signal: never }))!;
  const lines = gunzipSync(Buffer.concat(await body.toArray())).toString();
  await bed.store.put(key, gzipSync(change(lines)), {
    ifAbsent: false,
    contentType: 'application/gzip',
    signal: never,
  });
}

test('nothing is moved, nor called present, by a list of media that lacks what its manifest counts', async () => {
  await bed.database.query(`INSERT INTO files VALUES (2, 'orphan'), (3, 'x/1')`);
  expect(await bed.command(['backup', '--quiet'])).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM files WHERE id = 2');
  await changeList(withoutOrphan);
  const problem = expect.stringMatching(/it has 3 objects .* where the manifest says 4 objects/) as unknown;
  expect(await quarantine()).toMatchObject({ status: 1, stderr: problem });
  expect((await bed.places()).quarantine).toEqual([]);
  expect(await bed.command(['media', 'check', 'latest'])).toMatchObject({ status: 1, stderr: problem });
});

test('a name cannot command the terminal', async () => {
  const key = 'a\u009b2J\nb';
  const shown = 'media/a\\x9b2J\\x0ab';
  await bed.put(`media/${key}`);
  beforeCopies(() => bed.put(`media/${key}`, 'written meanwhile', 0));
  expect(await quarantine()).toMatchObject({ stdout: expect.stringContaining(`left ${shown}: `) });
  const [other] = await bed.runs();
  expect(await bed.command(['quarantine', 'restore', other!.run])).toMatchObject({ status: 0 });

  await bed.put(`media/${key}`);
  expect(await quarantine()).toMatchObject({ status: 0 });
  await bed.put(`media/${key}`, 'another one');
  await bed.database.query('INSERT INTO files VALUES (2, $1)', [key]);
  const [run] = await bed.runs();
  expect(await bed.command(['quarantine', 'restore', run!.run])).toMatchObject({
    status: 3,
    stdout: expect.stringContaining(`left ${shown}: another object has its key\n`),
  });
  expect(await bed.command(['quarantine', 'purge', '--older-than', '0', '--yes'])).toMatchObject({
    status: 3,
    stdout: expect.stringContaining(`left ${shown}: a row names it\n`),
  });
});

test('what is in quarantine is no media, even where all of the bucket is', async () => {
  await quarantine();
  const { totals } = await bed.report(['--references', '[{"column": "files.key", "prefix": "media/"}]'], {
    AWS_MEDIA_PREFIX: '/',
  });
  // The album, which these references do not know.
  expect(totals.orphan?.count).toBe(1);
});

test('where nobody can be asked, nothing is begun', async () => {
  expect(await bed.command(['audit-orphans', '--quarantine'])).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining(
      `move the orphans of bucket ${bed.store.bucket} into quarantine: cannot ask for confirmation without a terminal — give --yes`,
    ),
  });
});

test('beside another run, and without orphans, nothing is moved or left behind', async () => {
  const lock = { purpose: 'back up', holder: 'another', waitMs: 0, log: keepingLog().log };
  await withLock(bed.tool, lock, never, async () => {
    const text = await quarantine();
    expect(text).toMatchObject({
      status: 5,
      stdout: expect.stringMatching(/orphan/),
      stderr: expect.stringMatching(/cannot move 3 orphans .*: another run holds the lock: another/),
    });
    const document = await quarantine('--json');
    expect(document.status).toBe(5);
    expect(JSON.parse(document.stdout)).toMatchObject({ totals: { orphan: { count: 3 } } });
  });
  expect(await bed.pendingUploads()).toEqual([]);
  await bed.store.remove([...ORPHANS], never);
  const nothing = await quarantine();
  expect(nothing).toMatchObject({ status: 0, stdout: expect.stringMatching(/rows and objects agree/) });
  expect((await bed.keys()).filter((key) => key.startsWith('quarantine/'))).toEqual([]);
  expect(await bed.pendingUploads()).toEqual([]);
});

/** Does `work` when the audit is over and the first orphan is about to be copied. */
function beforeCopies(work: () => Promise<unknown>): void {
  during(bed, { operation: 'CopyObject', key: /orphan$/ }, work);
}

test.each<[string, () => Promise<unknown>, RegExp]>([
  [
    'a row comes to name it',
    () => bed.database.query(`INSERT INTO files VALUES (2, 'orphan')`),
    /left media\/orphan: a row owns it/,
  ],
  [
    'it is written anew',
    () => bed.put('media/orphan', 'new', 0),
    // Another server may copy whatever is there (docs/PROVIDERS.md).
    onOtherServer()
      ? /left media\/orphan: it(s copy has a different size or ETag| changed while it was being copied)/
      : /left media\/orphan: it changed while it was being copied/,
  ],
  [
    'it is deleted',
    () => bed.store.remove(['media/orphan'], never),
    /left media\/orphan: it changed while it was being copied/,
  ],
])('an orphan stays when meanwhile %s', async (_name, work, reason) => {
  beforeCopies(work);
  const { status, stdout } = await quarantine();
  expect({ status, stdout }).toEqual({
    status: 3,
    stdout: expect.stringMatching(reason),
  });
  expect((await bed.places()).quarantine).toEqual(['media/a b+ü', 'media/x/1']);
});

test('what a backup needs under a name that a table or column had stays, if that name is optional', async () => {
  await bed.database.query(`INSERT INTO files VALUES (2, 'orphan'); INSERT INTO albums VALUES (8)`);
  await bed.put('media/albums/8/x');
  expect(await bed.command(['backup'], {}, { MEDIA_MANIFEST: 'off' })).toMatchObject({ status: 0 });
  await bed.database.query(
    `ALTER TABLE files RENAME key TO image; ALTER TABLE albums RENAME TO gallery;
     DELETE FROM files WHERE id = 2; DELETE FROM gallery WHERE id = 8`,
  );
  const now = [{ column: 'files.image' }, { table: 'gallery', owns: 'albums/{id}/' }];
  const before = [{ column: 'files.key' }, { table: 'albums', owns: 'albums/{id}/' }];
  const run = (entries: readonly object[]) =>
    bed.command(
      ['audit-orphans', '--quarantine', '--yes'],
      {},
      { AUDIT_REFERENCES: JSON.stringify(entries) },
    );
  expect(await run([...now, ...before])).toMatchObject({ status: 2 });
  const optional = before.map((entry) => ({ ...entry, optional: true }));
  expect(await run(optional)).toMatchObject({ status: 2, stderr: expect.stringMatching(/no known era/) });
  expect(await run([...now, ...optional])).toMatchObject({ status: 0 });
  expect((await bed.places()).quarantine).toEqual(['media/a b+ü', 'media/x/1']);
  await bed.put('media/x/1');
  const backup = await bed.command(
    ['backup'],
    {},
    { AUDIT_REFERENCES: JSON.stringify([...now, ...optional]) },
  );
  expect(backup.stderr).toMatch(/recorded the backup’s media: 2 objects/);
});

test('what a backup needs stays, though its list of media was made under another prefix', async () => {
  await bed.database.query(`INSERT INTO files VALUES (2, 'orphan')`);
  expect(await bed.command(['backup'], {}, { AWS_MEDIA_PREFIX: 'assets' })).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM files WHERE id = 2');
  expect(await quarantine()).toMatchObject({ status: 0, stdout: expect.stringMatching(/moved 2 objects/) });
  expect((await bed.places()).quarantine).toEqual(['media/a b+ü', 'media/x/1']);
  const audited = await bed.command(['audit-orphans', '--all-backups', '--json']);
  expect(JSON.parse(audited.stdout)).toMatchObject([{ by: 'dump', references: 2, dangling: 0 }]);
});

test('what the rows of another database own under a prefix of its own protects nothing here', async () => {
  const other = await createTestDatabase(inject('postgres'));
  try {
    await other.query(
      `CREATE TABLE files (id int PRIMARY KEY, key text); CREATE TABLE albums (id int PRIMARY KEY);
       INSERT INTO files VALUES (1, 'orphan')`,
    );
    await bed.put('theirs/orphan');
    const theirs = { POSTGRES_DB: other.name, AWS_MEDIA_PREFIX: 'theirs' };
    expect(await bed.command(['backup'], {}, theirs)).toMatchObject({ status: 0 });
  } finally {
    await other.drop();
  }
  expect(await quarantine()).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/moved 3 objects/),
    stderr: expect.not.stringContaining('reading the dump'),
  });
  expect((await bed.places()).quarantine).toEqual(ORPHANS);
});

test.each(['old', '/'])(
  'what a backup from before the database was renamed needs stays, though the media were under %s then',
  async (before) => {
    const at = before === '/' ? '' : 'old/';
    const former = await createTestDatabase(inject('postgres'));
    try {
      await former.query(
        `CREATE TABLE files (id int PRIMARY KEY, key text); CREATE TABLE albums (id int PRIMARY KEY);
         INSERT INTO files VALUES (1, 'orphan')`,
      );
      await bed.put(`${at}orphan`);
      const then = { POSTGRES_DB: former.name, AWS_MEDIA_PREFIX: before };
      expect(await bed.command(['backup'], {}, then)).toMatchObject({ status: 0 });
    } finally {
      await former.drop();
    }
    await bed.store.remove([`${at}orphan`], never);
    expect(await quarantine()).toMatchObject({ status: 0, stdout: expect.stringMatching(/moved 2 objects/) });
    expect((await bed.places()).quarantine).toEqual(['media/a b+ü', 'media/x/1']);
  },
);

test('nothing is moved while it is not known what a backup needs', async () => {
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  const lists = (await bed.keys()).filter((key) => /\.(sql|media\.ndjson\.gz)$/.test(key));
  await bed.store.remove(lists, never);
  const id = /\d{14}/.exec(lists[0]!)![0];
  expect(await quarantine()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(new RegExp(`which of them backup ${id} needs: the dump .* is missing`)),
  });
  expect(await bed.places()).toEqual({ media: [...OWNED, ...ORPHANS].sort(), quarantine: [] });
});

test('a run takes the name of no other one, though it begins in the same second', async () => {
  const now = new Date('2026-11-23T10:30:00.500Z');
  const free = () => findFreeRun({ store: bed.store, quarantinePrefix: 'quarantine/' }, now, never);
  expect(await free()).toBe('20261123103000');
  for (const run of ['20261123103000', '20261123103001']) {
    await bed.store.put(`quarantine/${run}.journal.ndjson.gz`, Buffer.from('x'), {
      ifAbsent: true,
      contentType: 'application/gzip',
      signal: never,
    });
  }
  expect(await free()).toBe('20261123103002');
});

test('purge deletes old runs, but not what a row or a backup has come to need', async () => {
  await quarantine();
  const young = await bed.command(['quarantine', 'purge', '--older-than', '1d', '--yes']);
  expect(young).toMatchObject({ status: 0, stdout: expect.stringMatching(/no run is old enough/) });
  await bed.database.query(`INSERT INTO files VALUES (2, 'orphan'), (3, 'x/1')`);
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM files WHERE id = 3');
  const places = await bed.places();
  const shown = await bed.command(['quarantine', 'purge', '--older-than', '0', '--dry-run']);
  expect(shown).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(/^would delete 1 object .*; 2 left/m),
  });
  expect(await bed.places()).toEqual(places);
  const purged = await bed.command(['quarantine', 'purge', '--older-than', '0', '--yes', '--json']);
  expect(purged).toMatchObject({ status: 3 });
  expect(JSON.parse(purged.stdout)).toMatchObject({ removed: { count: 1 }, left: { count: 2 } });
  expect((await bed.places()).quarantine).toEqual(['media/orphan', 'media/x/1']);
});

test.each([
  [
    'lacks what its manifest counts',
    withoutOrphan,
    /it has 3 objects .* says 3 objects \(.*\), and 1 key without one/,
  ],
  ['is out of order', lastFirst, /its list has .*/],
])('nothing is purged by a list of media that %s', async (_, change, problem) => {
  await quarantine();
  await bed.put('media/zz');
  await bed.database.query(`INSERT INTO files VALUES (2, 'orphan'), (3, 'zz')`);
  expect(await bed.command(['backup', '--quiet'])).toMatchObject({ status: 0 });
  await bed.database.query('DELETE FROM files WHERE id = 2');
  await changeList(change);
  expect(await bed.command(['quarantine', 'purge', '--older-than', '0', '--yes'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      new RegExp(`cannot purge quarantine/ .* which of them backup \\d+ needs: .*${problem.source}`),
    ) as unknown,
  });
  expect((await bed.places()).quarantine).toEqual([...ORPHANS]);
});

test('a purge that is cut off tells how far it has come', async () => {
  await quarantine();
  await bed.put('media/later');
  await quarantine();
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'DeleteObjects', after: 1, what });
  const purged = await bed.command(['quarantine', 'purge', '--older-than', '0', '--yes']);
  expect(purged).toMatchObject({ status: 1, stdout: '' });
  expect(purged.stderr).toMatch(
    /WARN: at least \d objects \(\S+ \w+\) were deleted; run it again for the rest\n.*cannot delete /,
  );
});

test('purge leaves alone what belongs to another database, whose rows and backups it does not know', async () => {
  await quarantine();
  for (const key of ['other/kept', 'other/orphan']) await bed.put(key);
  const args = ['quarantine', 'purge', '--older-than', '0', '--yes', '--json'];
  const purged = await bed.command(args, {}, { AWS_MEDIA_PREFIX: 'other' });
  expect(purged).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/leaving quarantine run \d+ alone: it moved media\/a b\+ü/),
  });
  expect(JSON.parse(purged.stdout)).toMatchObject({ runs: [], removed: { count: 0 } });
  expect((await bed.places()).quarantine).toEqual([...ORPHANS]);
});

test('purge says before it asks whether what it deletes is gone for good', async () => {
  await quarantine();
  const purge = () => bed.command(['quarantine', 'purge', '--older-than', '0']);
  const asks = (end: string) => ({
    status: 2,
    stderr: expect.stringMatching(
      new RegExp(
        `delete 3 objects .* under quarantine/ in bucket ${bed.store.bucket}${end}: cannot ask for confirmation`,
      ),
    ),
  });
  expect(await purge()).toMatchObject(asks(' permanently'));
  await keepVersions(bed);
  expect(await purge()).toMatchObject(asks(', which keeps them as old versions'));
  await keepVersions(bed, 'Suspended');
  expect(await purge()).toMatchObject(asks(', which keeps those that it has as versions'));
});

test.each([
  [['list', '20200101000000'], 2, /list does not accept a run/],
  [['restore'], 2, /no run is given/],
  [['restore', '20200101000000'], 4, /cannot use quarantine run 20200101000000: there is no such run/],
  [['purge'], 2, /--older-than is missing/],
  [['purge', '--older-than', 'x'], 2, /--older-than: "x" is not accepted/],
  [['list', '--dry-run'], 2, /--dry-run applies only to purge/],
  [['empty'], 2, /"empty" is not accepted — use `quarantine list`, `quarantine restore RUN/],
])('quarantine %j is refused', async (args, status, message) => {
  const result = await bed.command(['quarantine', ...args]);
  expect(result).toMatchObject({ status, stderr: expect.stringMatching(message) });
});

test('a key that the database cannot spell keeps no other one from being moved', async () => {
  const latin = await createQuarantineBed(
    inject('postgres'),
    `ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`,
  );
  try {
    await latin.put('media/日本');
    const moved = await latin.command(['audit-orphans', '--quarantine', '--yes']);
    expect(moved).toMatchObject({ status: 0, stderr: expect.not.stringContaining('ERROR') });
    expect((await latin.places()).quarantine).toEqual([...ORPHANS, 'media/日本']);
  } finally {
    await latin.close();
  }
});

test('an object whose key has control characters comes back by the key that is shown', async () => {
  const [key, shown] = ['media/two\nlines \u202efdp', 'media/two\\x0alines \\u202efdp'];
  await bed.put(key);
  const moved = await quarantine();
  expect(moved.status).toBe(0);
  expect(moved.stdout).toContain(shown);
  const [{ run } = { run: '' }] = await bed.runs();
  expect(await bed.command(['quarantine', 'restore', run, '--key', shown])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/restored 1 object /),
  });
  expect((await bed.places()).media).toEqual([...OWNED, key]);
});

test('a part of what a run holds is no run', async () => {
  expect(await quarantine()).toMatchObject({ status: 0 });
  const [{ run } = { run: '' }] = await bed.runs();
  const before = await bed.places();
  expect(await bed.command(['quarantine', 'restore', `${run}/media`])).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('there is no such run'),
  });
  expect(await bed.command(['quarantine', 'restore', run, '--key', 'media/orpha'])).toMatchObject({
    status: 4,
    stderr: expect.stringMatching(
      /cannot restore media\/orpha from .*: the run has no such object — give its/,
    ),
  });
  expect(await bed.places()).toEqual(before);
});

test('an object of its size, written in parts, that has come to its place does not cost the one in quarantine', async () => {
  const { bytes = 0 } = (await bed.store.head('media/orphan', never)) ?? {};
  expect(await quarantine()).toMatchObject({ status: 0 });
  const options = { contentType: 'text/plain', maxParts: 10, partsInFlight: 1, signal: never };
  const writer = await openMultipartWriter(bed.store, 'media/orphan', options);
  await writer.write(Buffer.alloc(bytes, 'x'));
  expect((await writer.complete()).etag).toContain('-');
  const [{ run } = { run: '' }] = await bed.runs();
  expect(await bed.command(['quarantine', 'restore', run])).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(
      /^left media\/orphan: another object has its key\n.*; 1 left in quarantine\n$/,
    ),
  });
  expect((await bed.places()).quarantine).toEqual(['media/orphan']);
});
