import { expect, inject, test } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { createQuarantineBed } from './quarantine-bed.ts';

const never = new AbortController().signal;

test('an orphan stays when the server fails for its copy, refuses that, or refuses to delete it', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  bed.server.faults.push(
    {
      operation: 'DeleteObjectsEntry',
      key: /^media\/x/,
      what: { kind: 'error', status: 403, code: 'AccessDenied' },
    },
    {
      operation: 'CopyObject',
      key: /orphan$/,
      times: 1,
      what: { kind: 'error', status: 412, code: 'PreconditionFailed' },
    },
    { operation: 'CopyObject', key: /a b/, what: { kind: 'error', status: 400, code: 'InvalidRequest' } },
  );
  const { status, stdout } = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(status).toBe(3);
  expect(stdout).toMatch(/moved nothing into quarantine\nleft /);
  expect(stdout).toMatch(/left media\/x\/1: the server refused to delete it/);
  expect(stdout).toMatch(/left media\/a b\+ü: the server failed for it: 400 InvalidRequest/);
  expect(stdout).toMatch(/left media\/orphan: it changed while it was being copied/);
  expect(await bed.places()).toEqual({
    media: ['media/a b+ü', 'media/albums/7/x', 'media/kept', 'media/orphan', 'media/x/1'],
    quarantine: [],
  });

  expect((await bed.keys()).filter((key) => key.startsWith('quarantine/'))).toEqual([]);

  const denied = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.splice(0, Number.POSITIVE_INFINITY, { operation: 'CopyObject', what: denied });
  const refused = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/403 AccessDenied/) });
  const { stdout: listed } = await bed.command(['quarantine', 'list']);
  expect(listed).toMatch(/ 0 .* interrupted or still running\b/);
  bed.server.faults.length = 0;
  await bed.store.remove(['media/a b+ü', 'media/orphan', 'media/x/1'], never);
  const closed = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(closed).toMatchObject({ status: 0, stderr: expect.stringMatching(/closed quarantine run \d+/) });
  expect(await bed.runs()).toEqual([]);
  await bed.close();
});

test('a server that copies nothing ends the run, whatever else it answers', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  for (let at = 0; at < 60; at += 1) await bed.put(`media/more/${at}`);
  bed.server.faults.push({
    operation: 'CopyObject',
    what: { kind: 'error', status: 501, code: 'NotImplemented' },
  });
  const ended = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(ended).toMatchObject({ status: 1, stderr: expect.stringMatching(/501 NotImplemented/) });
  expect(bed.server.requests.filter(({ operation }) => operation === 'CopyObject').length).toBeLessThan(30);
  expect((await bed.places()).quarantine).toEqual([]);
  await bed.close();
});

test('an object that vanishes from its place once it was copied stays in quarantine', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  const held = deferred<void>();
  const gone = held.promise.then(() => bed.store.remove(['media/x/1'], never));
  bed.server.faults.push({
    operation: 'HeadObject',
    key: /^media\/x\/1$/,
    after: 2,
    times: 1,
    what: { kind: 'hold', until: gone, onHeld: () => held.resolve() },
  });
  const { status, stdout } = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/moved 3 objects/) });
  expect((await bed.places()).quarantine).toEqual(['media/a b+ü', 'media/orphan', 'media/x/1']);
  await bed.close();
});

test('a run at work keeps its journal, and one that does not tell what it moves is left alone', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  await bed.killWhenAsked(['audit-orphans', '--quarantine', '--yes'], {
    operation: 'HeadObject',
    key: /^media\//,
    after: 0,
  });
  const [{ run } = { run: '' }] = await bed.runs();
  expect(await bed.command(['quarantine', 'restore', run])).toMatchObject({ status: 0 });
  expect(await bed.keys()).toContain(`quarantine/${run}.journal.ndjson.gz`);

  const ofOthers = 'quarantine/20200101000000/other/x';
  for (const key of ['other/x', ofOthers]) await bed.put(key, 'the same');
  expect(await bed.command(['audit-orphans', '--quarantine', '--yes'])).toMatchObject({ status: 0 });
  expect(await bed.keys()).toContain(ofOthers);
  expect((await bed.runs()).map(({ state }) => state)).toEqual(['cut off', 'done']);
  await bed.close();
});

test('a run that is ahead of the clock is purged only with all', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  await bed.put('quarantine/20991231000000/media/ahead');
  const purge = async (age: string) =>
    (await bed.command(['quarantine', 'purge', '--older-than', age, '--yes'])).stdout;
  expect(await purge('1s')).toMatch(/^no run is old enough$/m);
  expect(await purge('0')).toMatch(/^deleted 1 object .* of 1 run$/m);
  await bed.close();
});

test('what the server refuses to delete keeps a purge from nothing else', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  const quarantine = () => bed.command(['audit-orphans', '--quarantine', '--yes']);
  await quarantine();
  await bed.put('media/later');
  await quarantine();
  bed.server.faults.push({
    operation: 'DeleteObjectsEntry',
    key: /media\/orphan$/,
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const purged = await bed.command(['quarantine', 'purge', '--older-than', '0', '--yes']);
  expect(purged).toMatchObject({ status: 1, stdout: '' });
  expect(purged.stderr).toMatch(
    /INFO: deleted 3 objects \(\S+ \w+\) from the quarantine\n.*cannot delete every object under quarantine\/ .*media\/orphan/,
  );
  expect((await bed.places()).quarantine).toEqual(['media/orphan']);
  await bed.close();
});

test('what the server fails for, or refuses to delete, keeps nothing else from being brought back', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  await bed.command(['audit-orphans', '--quarantine', '--yes']);
  const [{ run } = { run: '' }] = await bed.runs();
  const fails = { kind: 'error', status: 400, code: 'InvalidRequest' } as const;
  bed.server.faults.push({ operation: 'CopyObject', key: /a b/, what: fails });
  const left = await bed.command(['quarantine', 'restore', run]);
  expect(left).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(/^restored 2 objects .*; 1 left in /m),
  });
  expect(left.stdout).toMatch(/left media\/a b\+ü: the server failed for it: 400 InvalidRequest/);
  expect((await bed.places()).quarantine).toEqual(['media/a b+ü']);

  const refuses = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.splice(0, 1, { operation: 'DeleteObjectsEntry', key: /a b/, what: refuses });
  const twice = await bed.command(['quarantine', 'restore', run]);
  expect(twice).toMatchObject({ status: 1, stdout: '' });
  expect(twice.stderr).toMatch(
    /INFO: 1 object \(\S+ \w+\) of run \d+ back in place\n.*cannot delete every copy of them from run \d+: .*a b\+ü/,
  );
  bed.server.faults.length = 0;
  expect(await bed.command(['quarantine', 'restore', run])).toMatchObject({ status: 0 });
  expect((await bed.places()).media).toContain('media/a b+ü');
  expect(await bed.runs()).toEqual([]);
  await bed.close();
});

test.each([
  ['quarantine', 'purge', '--older-than', '0', '--yes'],
  ['audit-orphans', '--quarantine', '--yes'],
])(
  'a signal while it reads what a backup needs ends %s %s, and is not the fault of the backup',
  async (...args) => {
    const bed = await createQuarantineBed(inject('postgres'));
    expect(await bed.command(['audit-orphans', '--quarantine', '--yes'])).toMatchObject({ status: 0 });
    expect(await bed.command(['backup'])).toMatchObject({ status: 0 });
    await bed.put('media/one more');
    const stop = new AbortController();
    bed.server.faults.push({
      operation: 'GetObject',
      key: /\.media\.ndjson\.gz$/,
      after: 0,
      times: 1,
      what: { kind: 'hold', until: new Promise(() => {}), onHeld: () => stop.abort() },
    });
    const { status, stderr } = await bed.command(args, { signal: stop.signal });
    expect({ status, stderr }).toEqual({
      status: 143,
      stderr: expect.stringMatching(/stopped: received SIGTERM\n$/),
    });
    expect(stderr).not.toMatch(/backup \d/);
    await bed.close();
  },
);
