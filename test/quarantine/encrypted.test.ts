import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { during } from '../support/during.ts';
import { encryptBucket } from '../support/encrypt-bucket.ts';
import { createQuarantineBed, ORPHANS, type QuarantineBed } from './quarantine-bed.ts';

const QUARANTINE = ['audit-orphans', '--quarantine', '--yes'];
const OWNED = ['media/albums/7/x', 'media/kept'];
const never = new AbortController().signal;
let bed: QuarantineBed;

beforeEach(async () => {
  bed = await createQuarantineBed(inject('postgres'));
});

afterEach(() => bed.close());

/** Has the orphans be encrypted as well, not only their copies. */
async function encryptOrphans(): Promise<void> {
  await encryptBucket(bed);
  for (const key of ORPHANS) await bed.put(key);
}

test.each([
  ['aws:kms', 'whose copies alone are encrypted', false],
  ['aws:kms', 'encrypted as their copies are', true],
  ['aws:kms:dsse', 'encrypted as their copies are', true],
  ['AES256', 'encrypted as their copies are', true],
] as const)('with %s orphans %s are moved and brought back', async (algorithm, _what, isWritten) => {
  await encryptBucket(bed, algorithm);
  if (isWritten) for (const key of ORPHANS) await bed.put(key);
  expect(await bed.command(QUARANTINE)).toMatchObject({ status: 0 });
  expect(await bed.places()).toEqual({ media: OWNED, quarantine: [...ORPHANS] });
  const [{ run } = { run: '' }] = await bed.runs();
  expect(await bed.command(['quarantine', 'restore', run])).toMatchObject({ status: 0 });
  expect(await bed.places()).toEqual({ media: [...OWNED, ...ORPHANS].sort(), quarantine: [] });
});

test('the server hides the MD5 of what is encrypted with a key of KMS, and of nothing else', async () => {
  const told = async () => (await bed.store.head('media/orphan', never))?.hidesMd5;
  expect(await told()).toBe(false);
  for (const [algorithm, hides] of [
    ['AES256', false],
    ['aws:kms', true],
    ['aws:kms:dsse', true],
  ] as const) {
    await encryptBucket(bed, algorithm);
    await bed.put('media/orphan');
    expect(await told()).toBe(hides);
  }
});

test('an orphan that is written over by as many bytes while it is copied stays', async () => {
  await encryptOrphans();
  const { bytes = 0 } = (await bed.store.head('media/orphan', never)) ?? {};
  during(bed, { operation: 'HeadObject', key: /^quarantine\/\d+\/media\/orphan$/ }, () =>
    bed.put('media/orphan', 'x'.repeat(bytes)),
  );
  expect(await bed.command(QUARANTINE)).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(/left media\/orphan: it changed while it was being copied/),
  });
  expect(await bed.places()).toEqual({
    media: [...OWNED, 'media/orphan'],
    quarantine: ['media/a b+ü', 'media/x/1'],
  });
});

test('an object of its size that has come to the place of one in quarantine does not cost that one', async () => {
  await encryptOrphans();
  const { bytes = 0 } = (await bed.store.head('media/orphan', never)) ?? {};
  expect(await bed.command(QUARANTINE)).toMatchObject({ status: 0 });
  await bed.put('media/orphan', 'x'.repeat(bytes), 0);
  const [{ run } = { run: '' }] = await bed.runs();
  expect(await bed.command(['quarantine', 'restore', run])).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(/left media\/orphan: another object has its key/),
  });
  expect(await bed.places()).toEqual({
    media: [...OWNED, ...ORPHANS].sort(),
    quarantine: ['media/orphan'],
  });
});

test.each([
  ['encrypted as their copies are', encryptOrphans],
  ['whose copies alone are encrypted', () => encryptBucket(bed)],
])('killed before orphans %s are deleted, the next run knows them by their age', async (_, encrypt) => {
  await encrypt();
  await bed.killWhenAsked(QUARANTINE, { operation: 'DeleteObjects' });
  expect(await bed.places()).toEqual({ media: [...OWNED, ...ORPHANS].sort(), quarantine: [...ORPHANS] });
  expect(await bed.command(QUARANTINE)).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(
      /closed quarantine run \d+, which was interrupted: 0 objects moved, 3 left in place/,
    ),
  });
  expect(await bed.places()).toEqual({ media: OWNED, quarantine: [...ORPHANS] });
});

test('killed before the copies of encrypted orphans are deleted on the way back, another try ends it', async () => {
  await encryptOrphans();
  expect(await bed.command(QUARANTINE)).toMatchObject({ status: 0 });
  const [{ run } = { run: '' }] = await bed.runs();
  await bed.killWhenAsked(['quarantine', 'restore', run], { operation: 'DeleteObjects' });
  expect((await bed.places()).quarantine).toEqual([...ORPHANS]);
  expect(await bed.command(['quarantine', 'restore', run])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/restored 3 objects /),
  });
  expect(await bed.places()).toEqual({ media: [...OWNED, ...ORPHANS].sort(), quarantine: [] });
  expect(await bed.runs()).toEqual([]);
});

/** Restores the only run, and does something once `media/orphan` was copied to its place and before it is compared. */
async function restoreMeanwhile(work: (run: string) => Promise<unknown>) {
  expect(await bed.command(QUARANTINE)).toMatchObject({ status: 0 });
  const [{ run } = { run: '' }] = await bed.runs();
  during(bed, { operation: 'HeadObject', key: /^media\/orphan$/, after: 1 }, () => work(run));
  return bed.command(['quarantine', 'restore', run]);
}

test('what goes from quarantine while it is brought back is in its place', async () => {
  await encryptOrphans();
  const restored = await restoreMeanwhile((run) =>
    bed.store.remove([`quarantine/${run}/media/orphan`], never),
  );
  expect(restored).toMatchObject({ status: 0 });
  expect(await bed.places()).toEqual({ media: [...OWNED, ...ORPHANS].sort(), quarantine: [] });
});

test('what another writer puts over an object that is brought back stays, and so does the object', async () => {
  const restored = await restoreMeanwhile(() => bed.put('media/orphan', 'of another writer, and longer'));
  expect(restored).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(
      /left media\/orphan: the object now in its place could not be confirmed as a copy: /,
    ),
  });
  expect((await bed.places()).quarantine).toEqual(['media/orphan']);
  expect(await bed.store.head('media/orphan', never)).toMatchObject({ bytes: 29 });
});
