import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { manifestKey } from '../../src/catalog/backup-name.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { collect, readObject } from '../../src/s3/reader.ts';
import { withClient } from '../support/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;

/** In what form the server writes each of these depends on a setting of the session. */
const CONTENTS = `
  CREATE TABLE seen (id int PRIMARY KEY, at timestamptz, span tstzrange);
  INSERT INTO seen VALUES (1, '2026-02-03 04:05:06+00', '[2026-07-01 00:00+00,)'), (2, NULL, NULL);
  CREATE TABLE kept (bytes bytea, price money, word text DEFAULT E'a\\\\b');
  INSERT INTO kept VALUES ('\\x00ff5c', 1234.5, 'x');
  CREATE VIEW "odd name" AS SELECT id AS a FROM seen WHERE id > 0`;

let bed: TestBed;
let role: string;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
  role = `${bed.database.name}_role`;
  await bed.database.query(CONTENTS);
  await set(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'x'`);
});

afterEach(async () => {
  await set(`DROP ROLE ${role}`);
  await bed.close();
});

const set = (sql: string) => withClient(bed.env, 'postgres', (client) => client.query(sql));

/** Runs the tool as a role of its own, whose settings are nobody else's. */
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  bed.run(args, { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x', ...env });

async function backUp(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { status, stdout } = await run(['backup', '--json'], env);
  expect(status).toBe(0);
  return (JSON.parse(stdout) as Manifest).id;
}

test.each([
  ['TimeZone', 'Asia/Kathmandu'],
  ['bytea_output', 'escape'],
  ['quote_all_identifiers', 'on'],
  ['standard_conforming_strings', 'off'],
])(
  'a good backup is good where a role’s %s is no longer %s, and where it has become so',
  async (name, value) => {
    await backUp();
    await set(`ALTER ROLE ${role} SET ${name} = '${value}'`);
    const drill = ['verify', '--restore', '--quiet'];
    expect(await run(drill)).toMatchObject({ status: 0, stderr: '' });
    await backUp();
    await set(`ALTER ROLE ${role} RESET ${name}`);
    expect(await run(drill)).toMatchObject({ status: 0, stderr: '' });
  },
);

test('the time zone of PGTZ is recorded, and no other one is taken for it', async () => {
  const id = await backUp({ PGTZ: 'Asia/Kathmandu' });
  const shown = JSON.parse((await run(['show', id, '--json'])).stdout) as object;
  expect(shown).toMatchObject({ manifest: { session: { TimeZone: 'Asia/Kathmandu', bytea_output: 'hex' } } });
  for (const zone of ['Asia/Kathmandu', 'America/St_Johns', 'UTC'])
    expect(await run(['verify', '--restore', '--quiet'], { PGTZ: zone })).toMatchObject({ status: 0 });
});

test('a time zone that is another one on each machine is not recorded', async () => {
  const id = await backUp({ PGTZ: 'localtime' });
  const { manifest } = JSON.parse((await run(['show', id, '--json'])).stdout) as { manifest: Manifest };
  expect(Object.keys(manifest.session ?? {})).toEqual([
    'bytea_output',
    'lc_monetary',
    'quote_all_identifiers',
    'standard_conforming_strings',
  ]);
});

test.each(['a manifest that does not say', 'no manifest'])(
  'rows are not blamed for the time zone that a dump is in, if that is not known: %s',
  async (how) => {
    const id = await backUp({ PGTZ: 'Asia/Kathmandu' });
    const key = manifestKey('backup/', id);
    const { session: _, ...rest } = JSON.parse(
      Buffer.concat(await collect(readObject(bed.store, key, { signal }))).toString(),
    ) as Manifest;
    if (how === 'no manifest') await bed.store.remove([key], signal);
    else
      await bed.store.put(key, Buffer.from(JSON.stringify(rest)), {
        ifAbsent: false,
        contentType: '',
        signal,
      });
    const drill = (env: Readonly<Record<string, string>>) => run(['verify', '--restore', '--quiet'], env);
    expect(await drill({ PGTZ: 'UTC' })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `topobank-backup: cannot try to restore backup/postgres-backup-${id}.sql: the rows of 1 table have times, and it is not known in which time zone the dump has them: public.seen — set PGTZ to the TimeZone of the session that dumped the database, by default its server’s (SHOW TimeZone); if PGTZ is that already, the rows differ in more than their times\n`,
    });
    expect((await run(['list'])).stdout).not.toContain('FAULTY');
    expect(await drill({ PGTZ: 'Asia/Kathmandu' })).toMatchObject({ status: 0 });
  },
);
