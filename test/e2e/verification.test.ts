import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { startService } from '../support/running-service.ts';
import { makeBackups } from '../support/stored-backups.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
const ACCESS_DENIED = { kind: 'error', status: 403, code: 'AccessDenied' } as const;

let bed: TestBed;
let id: string;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(
    `CREATE TABLE surface AS SELECT g AS id, 'surface ' || g AS name FROM generate_series(1, 1000) g`,
  );
  id = await backUp();
});

afterEach(() => bed.close());

async function backUp(...args: string[]): Promise<string> {
  const { stdout } = await bed.run(['backup', '--json', '--quiet', ...args]);
  return (JSON.parse(stdout) as { id: string }).id;
}

interface Listed {
  readonly id: string;
  readonly verified: { readonly at: string; readonly depth: string; readonly ok: boolean } | null;
}

async function verifiedOf(wanted: string): Promise<Listed['verified'] | undefined> {
  const { stdout } = await bed.run(['list', '--json']);
  return (JSON.parse(stdout) as Listed[]).find((backup) => backup.id === wanted)?.verified;
}

/** Flips a byte of a row, or puts it back. */
async function flip(): Promise<void> {
  const key = `backup/postgres-backup-${id}.sql`;
  const body = Buffer.concat(await (await bed.store.get(key, { signal }))!.body.toArray());
  const at = body.indexOf('surface 777') < 0 ? body.indexOf('Surface 777') : body.indexOf('surface 777');
  body[at]! ^= 0x20;
  await bed.store.put(key, body, { ifAbsent: false, contentType: 'application/sql', signal });
}

const health = () => bed.run(['health']);

test('list and show tell when and how deep a backup was verified, to whoever may read', async () => {
  expect(await verifiedOf(id)).toBeNull();
  expect((await bed.run(['verify', '--quiet'])).status).toBe(0);
  const at = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(await verifiedOf(id)).toEqual({ at, depth: 'full', ok: true, faults: [] });
  // A shallower check takes nothing from a deeper one.
  expect((await bed.run(['verify', '--quick', '--quiet'])).status).toBe(0);
  expect(await verifiedOf(id)).toMatchObject({ depth: 'full' });

  bed.server.faults.push({ operation: 'PutObject', what: ACCESS_DENIED });
  const none = Object.fromEntries(Object.keys(bed.database.env).map((name) => [name, undefined]));
  const listed = await bed.run(['list'], none);
  expect(listed.stdout).toMatch(/ +VERIFIED\n\d{14} .* full, [\d.]+m?s ago\n$/);
  const shown = await bed.run(['show', id], none);
  expect(shown.stdout).toMatch(/\nverified +[\d-]+ [\d:]+ UTC, quick, good; [\d-]+ [\d:]+ UTC, full, good\n/);
});

test('a store that refuses the record is a warning, and the verification counts', async () => {
  bed.server.faults.push({ operation: 'PutObject', what: ACCESS_DENIED });
  const { status, stdout, stderr } = await bed.run(['verify', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  expect(stderr).toMatch(/WARN.*: cannot record the verification of backup \d{14}: .*403 AccessDenied — /);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(status).toBe(0);
  expect(await verifiedOf(id)).toBeNull();
});

test('a fault is shown and unhealthy until the backup is verified once more, or a newer one is there', async () => {
  expect(await health()).toMatchObject({ status: 0 });
  await flip();
  expect((await bed.run(['verify', '--quiet'])).status).toBe(3);
  const line = `table public\\.surface, bytes \\d+ to \\d+: expected sha256:[0-9a-f]{12}…, found sha256:[0-9a-f]{12}…`;
  expect(await health()).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(
      `^unhealthy: backup ${id} is faulty \\(verified at .* UTC, depth full\\): ${line}\\n$`,
    ),
  });
  const { stdout } = await bed.run(['list']);
  expect(stdout).toMatch(/ FAULTY \(full, [\d.]+m?s ago\)\n/);
  expect(stdout).toMatch(new RegExp(`\\n\\n${id} is faulty: ${line}\\n$`));
  // The bytes are none of a quick check's business.
  await bed.run(['verify', '--quick', '--quiet']);
  expect(await health()).toMatchObject({ status: 1 });

  await flip();
  // It is another object, of which nothing is known yet.
  expect(await verifiedOf(id)).toBeNull();
  expect((await bed.run(['verify', '--quiet'])).status).toBe(0);
  expect(await health()).toMatchObject({ status: 0 });

  await flip();
  expect((await bed.run(['verify', id, '--quiet'])).status).toBe(3);
  await backUp();
  expect(await health()).toMatchObject({ status: 0 });
});

test.each(['verify', 'verify --restore'])(
  'restore --latest passes over what %s has found faulty, and retention keeps a good one beside it',
  async (how) => {
    const older = id;
    id = await backUp();
    await flip();
    expect((await bed.run([...how.split(' '), '--quiet'])).status).toBe(3);
    const restored = await bed.run(['restore', '--latest', '--dry-run']);
    expect(restored).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`would restore backup/postgres-backup-${older}.sql `),
      stderr: expect.stringMatching(
        new RegExp(
          `WARN.*: skipping backup ${id}: verification found it faulty: table public\\.surface, .* — to restore it anyway, give its id\n`,
        ),
      ),
    });
    const { stdout } = await bed.run(['prune', '--max-backups', '1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      backups: [
        { id, action: 'keep', reasons: ['the newest'] },
        { id: older, action: 'keep', reasons: ['the newest among those without a fault'] },
      ],
    });
    // Named, it is proven all the same, and nothing is made worse.
    const { status, stderr } = await bed.run(['restore', id, '--yes']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('use another backup') });
    expect(await bed.databases()).toEqual([bed.database.name]);
  },
);

test('another ETag has restore --latest warn, and only another size has it pass over the backup', async () => {
  const older = id;
  id = await backUp();
  const key = `backup/postgres-backup-${id}.sql`;
  const latest = () => bed.run(['restore', '--latest', '--dry-run']);
  // As after the bucket was mirrored: the bytes are the same, the ETag is that of another upload.
  const { body } = (await bed.store.get(key, { signal }))!;
  const bytes = Buffer.concat(await body.toArray());
  const replace = (by: Buffer) =>
    bed.store.put(key, by, { ifAbsent: false, contentType: 'application/sql', signal });
  await replace(bytes);
  expect((await bed.run(['verify', '--quick', '--quiet'])).status).toBe(3);
  const warned = await latest();
  expect(warned).toMatchObject({ status: 0, stdout: expect.stringContaining(`would restore ${key} `) });
  expect(warned.stderr).toMatch(
    new RegExp(
      `WARN.*: verification at .* UTC found that backup ${id} is not the object that was written: object ${key}: expected the ETag .*, as after a copy — run \`topobank-backup verify ${id}\` to check whether its bytes are the same\n`,
    ),
  );
  expect(warned.stderr).not.toContain('skipping backup');
  expect(await bed.run(['restore', '--latest', '--yes'])).toMatchObject({ status: 0 });

  await replace(bytes.subarray(1));
  expect((await bed.run(['verify', '--quick', '--quiet'])).status).toBe(3);
  expect((await latest()).stdout).toContain(`would restore backup/postgres-backup-${older}.sql `);
});

test('a backup whose name lies ahead of the clock is not the newest, which verify and restore agree on', async () => {
  await bed.store.put('backup/postgres-backup-20990101000000.sql', Buffer.from('no dump'), {
    ifAbsent: true,
    contentType: 'application/sql',
    signal,
  });
  const verified = await bed.run(['verify', '--json', '--quiet']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ id, ok: true });
  expect((await bed.run(['verify', '20990101000000', '--quiet'])).status).toBe(3);
  const restored = await bed.run(['restore', '--latest', '--dry-run', '--json', '--quiet']);
  expect(JSON.parse(restored.stdout)).toMatchObject({ source: `backup/postgres-backup-${id}.sql` });

  await bed.store.remove(
    (await bed.keys()).filter((key) => key.includes(id)),
    signal,
  );
  expect(await bed.run(['verify'])).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('or only ones dated in the future'),
  });
});

test('a dump that is gone is unhealthy once a verification has met it', async () => {
  const second = await backUp();
  await bed.store.remove([`backup/postgres-backup-${second}.sql`], signal);
  expect(await health()).toMatchObject({ status: 0 });
  expect((await bed.run(['verify', '--quiet'])).status).toBe(3);
  expect(await health()).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(
      `^unhealthy: backup ${second} is faulty .*: expected \\d+ bytes, found no object\n$`,
    ),
  });
});

test('the record goes with its backup', async () => {
  expect((await bed.run(['verify', '--quiet'])).status).toBe(0);
  expect((await bed.keys()).filter((key) => key.endsWith('.verified.json'))).toHaveLength(1);
  const newer = await backUp('--max-backups', '1');
  expect((await bed.keys()).filter((key) => !key.includes(newer))).toEqual([]);
});

test('the service verifies by its schedule, and health learns of a fault', async () => {
  const service = startService(bed, {
    BACKUP_ON_START: 'never',
    VERIFY_SCHEDULE: '@every 1s',
    VERIFY_DEPTH: '',
  });
  await service.line(/INFO.*: verify: every second \(UTC\), next .* UTC, .* UTC, .* UTC$/);
  await service.line(
    /INFO.*: backup \d{14} is good \(full\): the dump is complete, and every byte and row is /,
  );
  await flip();
  await service.line(/ERROR.*: backup \d{14} is faulty: table public\.surface, bytes /);
  const { status, stderr } = await service.stop();
  // While it waits, or while it works.
  expect([0, 143]).toContain(status);
  expect(stderr).not.toContain('next try');
  expect(await health()).toMatchObject({
    status: 1,
    stdout: expect.stringContaining(`backup ${id} is faulty`),
  });
});

test('the service verifies the backups of its own database, whichever stands first under the prefix', async () => {
  const inAMinute = new Date(Date.now() + 60_000).toISOString();
  await makeBackups(bed.store, 'other').complete(inAMinute.slice(0, 19));
  const service = startService(bed, { BACKUP_ON_START: 'never', VERIFY_SCHEDULE: '@every 1s' });
  expect(await service.line(/: backup \d{14} is (good|faulty)/)).toContain(`backup ${id} is good (full)`);
  await service.stop();
});
