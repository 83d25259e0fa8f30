import { afterEach, expect, inject, test } from 'vitest';
import { type AuditBed, createAuditBed } from './audit-bed.ts';
import { CASES } from './era-cases.ts';

const LIVE = 'media/topographies/user_1/live.opd';
const COPIED = 'media/topographies/user_1/copied.opd';

let bed: AuditBed;

afterEach(() => bed.close());

/** A database whose tables are in `public`, and whose schema `archive` has one of them too, with rows of its own. */
async function createBed(searchPath: string): Promise<void> {
  bed = await createAuditBed(
    inject('postgres'),
    `${CASES[0]!.sql}; CREATE SCHEMA archive;
     CREATE TABLE archive.manager_topography (LIKE public.manager_topography INCLUDING ALL)`,
  );
  const insert = (schema: string, key: string) =>
    bed.database.query(
      `INSERT INTO ${schema}.manager_topography SELECT (jsonb_populate_record(NULL::public.manager_topography,
         to_jsonb(t) || jsonb_build_object('datafile', '${key.slice('media/'.length)}', 'id', 900))).*
       FROM public.manager_topography t LIMIT 1`,
    );
  await insert('public', LIVE);
  await insert('archive', COPIED);
  for (const key of [LIVE, COPIED]) await bed.put(key);
  await bed.database.query(`ALTER DATABASE ${bed.database.name} SET search_path = ${searchPath}`);
}

const PATHS = ['public', 'archive, public', 'nowhere'];

test.each(PATHS)('with the search path %s nothing that a row of either owns is an orphan', async (path) => {
  await createBed(path);
  const { stderr } = await bed.audit(['--grace', '0']);
  expect(stderr).toContain(
    'several schemas have a table of this name, and the rows of each count: manager_topography in archive, public',
  );
  const { era, findings } = await bed.report(['--grace', '0']);
  expect(era).toBe('A');
  for (const key of [LIVE, COPIED]) expect(JSON.stringify(findings)).not.toContain(key);
  await bed.audit(['--grace', '0', '--quarantine', '--yes']);
  expect(await bed.keys()).toEqual(expect.arrayContaining([LIVE, COPIED]));
});

test.each(PATHS)('with the search path %s a backup lists both, and its dump is read alike', async (path) => {
  await createBed(path);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove([LIVE, COPIED], new AbortController().signal);
  const checked = await bed.run(['media', 'check', 'latest', '--json']);
  const { findings } = await bed.report(['--backup', 'latest']);
  for (const key of [LIVE, COPIED]) {
    expect(JSON.parse(checked.stdout)).toMatchObject({
      faults: expect.arrayContaining([expect.objectContaining({ kind: 'missing', key })]),
    });
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'dangling', key }));
  }
});
