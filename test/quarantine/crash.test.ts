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
    let kill = () => {};
    bed.server.faults.push({
      operation,
      key,
      after,
      times: 1,
      what: { kind: 'hold', until: new Promise(() => {}), onHeld: () => kill() },
    });
    const killed = await bed.command(QUARANTINE, {
      onSpawn: (child) => {
        kill = () => child.kill('SIGKILL');
      },
    });
    expect(killed.signal).toBe('SIGKILL');
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
