import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createQuarantineBed, type QuarantineBed } from '../quarantine/quarantine-bed.ts';
import { during } from '../support/during.ts';
import { encryptBucket } from '../support/encrypt-bucket.ts';
import { keepVersions } from '../support/keep-versions.ts';

const never = new AbortController().signal;
const KEPT = ['media/albums/7/x', 'media/kept'];
let bed: QuarantineBed;

beforeEach(async () => {
  bed = await createQuarantineBed(inject('postgres'));
  await encryptBucket(bed);
  for (const key of KEPT) await bed.put(key);
});

afterEach(() => bed.close());

async function restored(id = 'latest'): Promise<{ status: number | null; told: object }> {
  const { status, stdout, stderr } = await bed.command(['media', 'restore', id ?? '', '--json']);
  if (stdout === '') throw new Error(stderr);
  return { status, told: JSON.parse(stdout) as object };
}

test.each<[string, write: () => Promise<unknown>, copies: 'aws:kms' | 'AES256']>([
  ['encrypted with a key of KMS, as its copy is', async () => {}, 'aws:kms'],
  ['encrypted with a key of KMS, which its copy is not', async () => {}, 'AES256'],
  [
    'written in parts',
    async () => {
      for (const key of KEPT) await bed.putInParts(key, `contents of ${key}`);
    },
    'AES256',
  ],
])(
  '%s, what the journal proves comes back; without it, it is named with its command',
  async (_what, write, copies) => {
    await write();
    expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
    await encryptBucket(bed, copies);
    await bed.database.query('DELETE FROM files; DELETE FROM albums');
    const [list = ''] = (await bed.keys()).filter((key) => key.startsWith('backup/'));
    const [id] = /\d{14}/.exec(list) ?? [];
    // The backup lies elsewhere while the orphans go, as one that is fetched back later.
    const run = await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, { S3_PREFIX: 'other/' });
    expect(run).toMatchObject({ status: 0 });
    const journal = (await bed.keys()).find((key) => key.includes('.journal.')) ?? '';
    const read = await bed.store.get(journal, { signal: never });
    const body = Buffer.concat(await read!.body.toArray());
    bed.server.faults.push({
      operation: 'GetObject',
      key: /journal/,
      what: { kind: 'error', status: 403, code: 'InvalidObjectState' },
    });
    const archived = await bed.command(['media', 'restore', id ?? '', '--json']);
    expect(archived).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/WARN: .*InvalidObjectState/),
    });
    expect(JSON.parse(archived.stdout)).toMatchObject({ restored: { count: 0 }, totals: { lost: 2 } });
    bed.server.faults.length = 0;
    await bed.store.remove([journal], never);

    const { status, told } = await restored(id);
    expect({ status, told }).toMatchObject({
      status: 3,
      told: { restored: { count: 0 }, totals: { lost: 2 } },
    });
    expect((await bed.places()).media).toEqual([]);
    const [{ reason } = { reason: '' }] = (told as { findings: { reason: string }[] }).findings;
    const [, command = ''] =
      /`topobank-backup (quarantine restore \d{14} --key \S+)` restores it$/.exec(reason) ?? [];
    expect(await bed.command(command.split(' '))).toMatchObject({ status: 0 });
    expect((await bed.places()).media).toEqual(['media/albums/7/x']);

    await bed.store.put(journal, body, { ifAbsent: true, contentType: 'application/gzip', signal: never });
    expect(await restored(id)).toMatchObject({ told: { restored: { count: 1 }, totals: { lost: 0 } } });
    expect((await bed.places()).media).toEqual(KEPT);
  },
);

test('written anew in parts, an object is not taken for the one that was recorded; nor is a copy of that said to be another', async () => {
  await encryptBucket(bed, 'AES256');
  await bed.putInParts('media/kept', 'AAAAAAAA');
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  const check = async () => {
    const { status, stdout } = await bed.command(['media', 'check', 'latest', '--json']);
    return { status, told: JSON.parse(stdout) as object };
  };
  await bed.store.copy({ key: 'media/kept' }, 'media/kept-copy', never);
  await bed.putInParts('media/kept', 'BBBBBBBB');
  expect(await check()).toMatchObject({
    status: 3,
    told: { findings: [{ kind: 'changed', key: 'media/kept' }], totals: { untold: 0 } },
  });

  await bed.database.query('DELETE FROM files');
  const run = await bed.command(['audit-orphans', '--quarantine', '--yes'], {}, { S3_PREFIX: 'other/' });
  expect(run).toMatchObject({ status: 0 });
  expect(await restored()).toMatchObject({
    status: 3,
    told: {
      findings: [
        {
          kind: 'lost',
          key: 'media/kept',
          reason: expect.stringMatching(/^quarantine has a different object/),
        },
      ],
    },
  });
  expect(await bed.store.head('media/kept', never)).toBeUndefined();

  await bed.store.copy({ key: 'media/kept-copy' }, 'media/kept', never);
  expect(await check()).toMatchObject({
    status: 0,
    told: { findings: [{ kind: 'untold', key: 'media/kept' }], totals: { changed: 0 } },
  });
  const text = await bed.command(['media', 'check', 'latest']);
  expect(text.stdout).toMatch(
    /: 0 missing, 0 changed since\npresent with the same size, but possibly changed: 1\n$/,
  );
});

test('encrypted with a key of KMS, the version that was recorded comes back', async () => {
  await keepVersions(bed);
  await bed.put('media/kept', 'as it was');
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.put('media/kept', 'was as it');
  await bed.store.remove(['media/kept'], never);
  expect(await restored()).toMatchObject({
    status: 0,
    told: { restored: { count: 1, bytes: 9 }, totals: { lost: 0, changed: 0 } },
  });
  const read = await bed.store.get('media/kept', { signal: never });
  expect(String(Buffer.concat(await read!.body.toArray()))).toBe('as it was');
});

test('the version that was recorded comes back, whatever of its size is in quarantine', async () => {
  await keepVersions(bed);
  await bed.put('media/new', 'AAAAAAAAA');
  const run = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(run).toMatchObject({ status: 0 });
  await bed.put('media/new', 'as it was');
  await bed.database.query(`UPDATE files SET key = 'new' WHERE key = 'kept'`);
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove(['media/new'], never);
  expect(await restored()).toMatchObject({
    status: 0,
    told: { restored: { count: 1 }, totals: { lost: 0 } },
  });
  const read = await bed.store.get('media/new', { signal: never });
  expect(String(Buffer.concat(await read!.body.toArray()))).toBe('as it was');
});

test('what another writer puts over a version that is brought back is said to be there, and stays', async () => {
  await keepVersions(bed);
  await bed.put('media/kept', 'as it was');
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove(['media/kept'], never);
  // The version, its place, and the version that is copied are looked up before the copy is.
  during(bed, { operation: 'HeadObject', key: /^media\/kept$/, after: 3 }, () =>
    bed.put('media/kept', 'written meanwhile'),
  );
  const reason = expect.stringMatching(/^another object replaced it after its version \S+ was copied there$/);
  expect(await restored()).toMatchObject({
    status: 3,
    told: { restored: { count: 0 }, findings: [{ kind: 'lost', key: 'media/kept', reason }] },
  });
  expect(await bed.store.head('media/kept', never)).toMatchObject({ bytes: 'written meanwhile'.length });
});

test('a version without an id that was written over is not taken for the one that was recorded', async () => {
  await keepVersions(bed);
  expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
  await keepVersions(bed, 'Suspended');
  await bed.put('media/kept', 'written over, and with another length');
  await keepVersions(bed);
  await bed.store.remove(['media/kept'], never);
  const reason = 'its version null is now a different object';
  expect(await restored()).toMatchObject({
    status: 3,
    told: { restored: { count: 0 }, findings: [{ kind: 'lost', key: 'media/kept', reason }] },
  });
});
