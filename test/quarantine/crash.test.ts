import { afterEach, expect, inject, test } from 'vitest';
import { createQuarantineBed, ORPHANS, type QuarantineBed } from './quarantine-bed.ts';

let bed: QuarantineBed;

afterEach(() => bed.close());

const QUARANTINE = ['audit-orphans', '--quarantine', '--yes'];

/** The program is killed when it asks for this, before it is done. */
const STEPS: readonly (readonly [string, string, RegExp, number])[] = [
  ['the journal is completed', 'CompleteMultipartUpload', /journal/, 0],
  ['an orphan is looked up', 'HeadObject', /^media\//, 0],
  ['the first copy is made', 'CopyObject', /^quarantine\//, 0],
  ['the last copy is made', 'CopyObject', /^quarantine\//, 2],
  ['a copy is compared', 'HeadObject', /^quarantine\/\d+\/media/, 1],
  ['an orphan is looked up again', 'HeadObject', /^media\//, 4],
  ['the orphans are deleted', 'DeleteObjects', /^$/, 0],
  ['the run is marked as done', 'PutObject', /done/, 0],
];

test.each(STEPS)(
  'killed when %s: every orphan is somewhere, and the next run ends it',
  async (_name, operation, key, after) => {
    bed = await createQuarantineBed(inject('postgres'));
    await bed.killWhenAsked(QUARANTINE, { operation, key, after });
    const found = await bed.places();
    for (const orphan of ORPHANS) expect([...found.media, ...found.quarantine]).toContain(orphan);

    const next = await bed.command(QUARANTINE);
    expect(next).toMatchObject({ status: 0 });
    const { media, quarantine } = await bed.places();
    expect({ media, quarantine: quarantine.toSorted() }).toEqual({
      media: ['media/albums/7/x', 'media/kept'],
      quarantine: [...ORPHANS],
    });
    expect((await bed.runs()).filter(({ state }) => state !== 'done')).toEqual([]);
  },
);

/** The steps of bringing three objects back. */
const STEPS_BACK: readonly (readonly [string, string, RegExp, number])[] = [
  ['a place is looked at', 'HeadObject', /^media\//, 0],
  ['the first copy is made', 'CopyObject', /^media\//, 0],
  ['the last copy is made', 'CopyObject', /^media\//, 2],
  ['a copy is compared', 'HeadObject', /^media\//, 3],
  ['the copies in quarantine are deleted', 'DeleteObjects', /^$/, 0],
  ['the journal is deleted', 'DeleteObjects', /^$/, 1],
];

test.each(STEPS_BACK)(
  'killed when %s on the way back: every object is somewhere, and another try ends it',
  async (_name, operation, key, after) => {
    bed = await createQuarantineBed(inject('postgres'));
    expect(await bed.command(QUARANTINE)).toMatchObject({ status: 0 });
    const [{ run } = { run: '' }] = await bed.runs();
    await bed.killWhenAsked(['quarantine', 'restore', run], { operation, key, after });
    const found = await bed.places();
    for (const orphan of ORPHANS) expect([...found.media, ...found.quarantine]).toContain(orphan);

    expect(await bed.command(['quarantine', 'restore', run])).toMatchObject({ status: 0 });
    const { media, quarantine } = await bed.places();
    expect({ media, quarantine }).toEqual({
      media: expect.arrayContaining([...ORPHANS]),
      quarantine: [],
    });
    expect(await bed.runs()).toEqual([]);
  },
);

test('what is brought back while its run is about to delete it is somewhere all the same', async () => {
  bed = await createQuarantineBed(inject('postgres'));
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    const until = new Promise<void>((go) => {
      release = go;
    });
    const what = { kind: 'hold', until, onHeld: resolve } as const;
    bed.server.faults.push({ operation: 'DeleteObjects', times: 1, what });
  });
  const moving = bed.command(QUARANTINE);
  await held;
  const [{ run } = { run: '' }] = await bed.runs();
  const back = await bed.command(['quarantine', 'restore', run]);
  expect(back).toMatchObject({ status: 3, stdout: expect.stringMatching(/it is already in its place/) });
  release();
  expect(await moving).toMatchObject({ status: 0 });
  expect((await bed.places()).quarantine.toSorted()).toEqual([...ORPHANS]);
});

test('a run of another database in the same quarantine, which may be at work, is left as it is', async () => {
  bed = await createQuarantineBed(inject('postgres'));
  await bed.killWhenAsked(QUARANTINE, { operation: 'PutObject', key: /done/ });
  const [before] = await bed.runs();
  expect(before).toMatchObject({ objects: ORPHANS.length, state: 'cut off' });

  for (const key of ['other/kept', 'other/orphan']) await bed.put(key);
  const other = { AWS_MEDIA_PREFIX: 'other' };
  expect(await bed.command(QUARANTINE, {}, other)).toMatchObject({ status: 0 });
  const runs = await bed.runs();
  expect(runs).toContainEqual(before);
  expect(runs).toContainEqual(expect.objectContaining({ objects: 1, state: 'done' }));

  expect(await bed.command(QUARANTINE)).toMatchObject({ status: 0 });
  expect((await bed.runs()).map(({ state }) => state)).toEqual(['done', 'done']);
});
