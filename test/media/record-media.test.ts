import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { Manifest } from '../../src/catalog/manifest.ts';
import type { MediaEntry } from '../../src/catalog/media-manifest.ts';
import { readObject } from '../../src/s3/reader.ts';
import { type AuditBed, createAuditBed } from '../audit/audit-bed.ts';
import { during } from '../support/during.ts';
import { findBackup } from '../support/find-backup.ts';
import { keepVersions } from '../support/keep-versions.ts';

const never = new AbortController().signal;
const NAMED = {
  AUDIT_REFERENCES: '[{"column": "files.key"}, {"table": "albums", "owns": "albums/{id}/"}]',
};
let bed: AuditBed;

beforeEach(async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE files (id int PRIMARY KEY, key text);
     CREATE TABLE albums (id int PRIMARY KEY);
     INSERT INTO albums VALUES (7), (8);
     INSERT INTO files VALUES (1, 'a +%1'), (2, 'ü'), (3, NULL), (4, 'gone'), (5, ''), (6, 'gone'), (7, E'\\U0001F600'),
       (8, E'\\uFFFD'), (9, 'albums/7/named')`,
  );
});

afterEach(() => bed.close());

interface Recorded {
  readonly media: Manifest['media'];
  readonly entries: MediaEntry[] | undefined;
  readonly stderr: string;
}

async function backup(env: Record<string, string> = NAMED): Promise<Recorded> {
  const { status, stdout, stderr } = await bed.run(['backup', '--json'], env);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const { id } = JSON.parse(stdout) as { id: string };
  const { manifest, companions } = (await findBackup(bed.store, 'backup/', id, never))!;
  const list = companions.find(({ key }) => key.endsWith('.media.ndjson.gz'));
  if (list === undefined) return { media: manifest!.media, entries: undefined, stderr };
  const chunks: Buffer[] = [];
  for await (const chunk of readObject(bed.store, list.key, { signal: never })) chunks.push(chunk);
  const lines = gunzipSync(Buffer.concat(chunks)).toString().trimEnd().split('\n');
  return { media: manifest!.media, entries: lines.map((line) => JSON.parse(line) as MediaEntry), stderr };
}

test('a backup records what its rows own, what they lack, and under which prefixes, in the order of UTF-8', async () => {
  for (const key of [
    'a +%1',
    'ü',
    '\u{1f600}',
    '\ufffd',
    'orphan',
    'albums/7/named',
    'albums/7/x',
    'albums/70',
  ])
    await bed.put(`media/${key}`, 'x');
  const { media, entries } = await backup();
  expect(media).toEqual({
    bucket: 'topobank-assets',
    prefix: 'media/',
    era: null,
    sources: expect.arrayContaining(['files_manifest.file', 'files.key', 'albums: albums/{id}/']),
    references: 9,
    objects: 6,
    bytes: 6,
    dangling: 1,
  });
  const object = (key: string) => ({ key, bytes: 1, etag: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(entries).toEqual([
    object('media/a +%1'),
    { prefix: 'media/albums/7/' },
    object('media/albums/7/named'),
    object('media/albums/7/x'),
    { prefix: 'media/albums/8/' },
    { key: 'media/gone', missing: true },
    object('media/ü'),
    object('media/\ufffd'),
    object('media/\u{1f600}'),
  ]);
});

/** The recording asks for the bucket's versions when it has joined the snapshot, and waits there until `work` is done. */
function whileRecording(work: () => Promise<unknown>): void {
  during(bed, { operation: 'GetBucketVersioning' }, work);
}

test('the rows are those of the dump’s own snapshot, whatever is written meanwhile', async () => {
  await bed.put('media/ü', 'x');
  await bed.put('media/new', 'x');
  whileRecording(() =>
    bed.database.query(`DELETE FROM files WHERE id = 2; INSERT INTO files VALUES (10, 'new')`),
  );
  const { entries } = await backup();
  expect(entries).toContainEqual(expect.objectContaining({ key: 'media/ü', bytes: 1 }));
  expect(entries).not.toContainEqual(expect.objectContaining({ key: 'media/new' }));
});

test('in a bucket that keeps versions each object has the id of its version', async () => {
  await keepVersions(bed);
  await bed.put('media/ü', 'first');
  await bed.put('media/ü', 'second one');
  await bed.put('media/gone', 'x');
  await bed.store.remove(['media/gone'], never);
  const { entries } = await backup();
  const written = entries!.find((entry) => 'key' in entry && entry.key === 'media/ü') as {
    bytes: number;
    versionId: string;
  };
  expect(written.bytes).toBe(10);
  expect((await bed.store.headVersion('media/ü', written.versionId, never))?.bytes).toBe(10);
  expect(entries).toContainEqual({ key: 'media/gone', missing: true });
});

test.each([
  ['GetBucketVersioning', 403],
  ['GetBucketVersioning', 400],
  ['GetBucketVersioning', 404],
  ['ListObjectVersions', 403],
])('where %s is answered with %i the list has no versions', async (operation, status) => {
  await keepVersions(bed);
  await bed.put('media/ü', 'x');
  bed.server.faults.push({ operation, what: { kind: 'error', status, code: 'Refused' } });
  const { entries, stderr } = await backup();
  expect(entries).toContainEqual({ key: 'media/ü', bytes: 1, etag: expect.any(String) });
  expect(stderr).toMatch(
    /media cannot be restored from versions, because none are recorded: .*(403|Refused|say)/,
  );
});

test.each<[string, Record<string, string>, RegExp | undefined]>([
  ['MEDIA_MANIFEST=off', { ...NAMED, MEDIA_MANIFEST: 'off' }, undefined],
  ['a database that owns no media', {}, undefined],
  ['a source that is not there', { AUDIT_REFERENCES: '[{"column": "nowhere.key"}]' }, /no table nowhere/],
  ['a setting that is no JSON', { AUDIT_REFERENCES: '{' }, /it is not JSON/],
])('%s: a whole backup without a list', async (_name, env, warning) => {
  const { media, entries, stderr } = await backup(env);
  expect(entries).toBeUndefined();
  expect(media).toEqual(warning && { warning: expect.stringMatching(warning) });
  if (warning === undefined) expect(stderr).not.toMatch(/media/);
  else expect(stderr).toMatch(warning);
});

test.each([
  ['an upload that is refused', 'UploadPart', /media\.ndjson/],
  ['an upload that cannot be completed', 'CompleteMultipartUpload', /media\.ndjson/],
])('%s is a warning, and leaves nothing', async (_name, operation, key) => {
  bed.server.faults.push({ operation, key, what: { kind: 'error', status: 400, code: 'Refused' } });
  const { media, entries, stderr } = await backup();
  expect({ entries, media }).toEqual({
    entries: undefined,
    media: { warning: expect.stringMatching(/Refused/) },
  });
  expect(stderr).toMatch(/the backup has no list of its media/);
  expect(await bed.pendingUploads()).toEqual([]);
});

test('a backup that fails leaves no list', async () => {
  bed.server.faults.push({
    operation: 'PutObject',
    key: /manifest/,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  expect(await bed.run(['backup'], NAMED)).toMatchObject({ status: 1 });
  expect({ keys: await bed.keys(), uploads: await bed.pendingUploads() }).toEqual({ keys: [], uploads: [] });
});

test('a backup that is stopped leaves no list', async () => {
  let kill = () => {};
  whileRecording(async () => kill());
  const stopped = await bed.run(['backup'], NAMED, {
    onSpawn: (child) => {
      kill = () => child.kill('SIGTERM');
    },
  });
  expect(stopped).toMatchObject({ status: 143 });
  expect({ keys: await bed.keys(), uploads: await bed.pendingUploads() }).toEqual({ keys: [], uploads: [] });
});

test('verify reads the list, and a backup without one is told of none', async () => {
  await bed.put('media/ü', 'x');
  await backup();
  expect((await bed.run(['verify'])).stdout).toMatch(
    /proved: the dump is complete, .*; its list of media is complete: 1 object \(1 B\), and \d keys without one$/m,
  );
  await backup({ ...NAMED, MEDIA_MANIFEST: 'off' });
  expect((await bed.run(['verify'])).stdout).not.toContain('media');
});

const DAMAGES: readonly (readonly [
  what: string,
  damage: (list: Buffer) => Buffer | undefined,
  said: RegExp,
])[] = [
  ['gone', () => undefined, /it is missing — audits read the dump itself/],
  ['cut off', (list) => list.subarray(0, list.length - 9), /cannot read the list of media .* — delete it/],
  ['no list', () => gzipSync('{}\n'), /a line does not match format 1 .* — delete it/],
  [
    'another one',
    () => gzipSync('{"key": "media/x", "missing": true}\n'),
    /has 0 objects \(0 B\), and 1 key without one where the manifest says 1 object \(1 B\), .* — delete it/,
  ],
];

test.each(DAMAGES)(
  'a list that is %s is told by verify, and no fault of the backup',
  async (_what, damage, said) => {
    await bed.put('media/ü', 'x');
    await backup();
    const key = (await bed.keys()).find((name) => name.endsWith('.media.ndjson.gz'))!;
    const { body } = (await bed.store.get(key, { signal: never }))!;
    const damaged = damage(Buffer.concat(await body.toArray()));
    if (damaged === undefined) await bed.store.remove([key], never);
    else {
      const contentType = 'application/gzip';
      await bed.store.put(key, damaged, { ifAbsent: false, contentType, signal: never });
    }
    const { status, stdout, stderr } = await bed.run(['verify']);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`is good \\(full\\)[^]*not proved: .*; its list of media: .*${said.source}`),
    );
    expect(stderr).toMatch(
      new RegExp(`WARN: backup \\d+ is good, but its list of media is not: .*${said.source}`),
    );
  },
);

test('a list that may not be read keeps nothing from being verified and recorded', async () => {
  await bed.put('media/ü', 'x');
  await backup();
  const what = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.push({ operation: 'GetObject', key: /media\.ndjson/, what });
  expect(await bed.run(['verify'])).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/is good, but its list of media is not: .*AccessDenied/),
  });
  bed.server.faults.length = 0;
  expect((await bed.run(['list'])).stdout).toMatch(/ full, [\d.]+m?s ago$/m);
});

test('retention removes the list with its backup', async () => {
  await backup();
  await backup({ ...NAMED, MAX_BACKUPS: '1' });
  const kept = (await bed.keys()).filter((key) => key.startsWith('backup/'));
  expect(kept.map((key) => key.replace(/^.*\d{14}/, ''))).toEqual([
    '.manifest.json',
    '.media.ndjson.gz',
    '.sql',
  ]);
});
