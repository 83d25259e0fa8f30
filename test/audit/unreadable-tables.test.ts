import { afterEach, expect, inject, test } from 'vitest';
import { ERA_A, ERA_C } from '../support/topobank-eras.ts';
import { type AuditBed, createAuditBed } from './audit-bed.ts';

let bed: AuditBed;

afterEach(() => bed.close());

/** What would be passed over in silence makes an orphan of every object that its rows own. */
test.each([
  [
    ERA_C,
    'ALTER TABLE files_manifest DROP CONSTRAINT files_manifest_pkey CASCADE',
    'table files_manifest has no primary key',
  ],
  [ERA_A, 'ALTER TABLE analysis_analysis RENAME id TO number', 'table analysis_analysis has no column id'],
  [
    ERA_A,
    'ALTER TABLE manager_topography ALTER thumbnail TYPE jsonb USING NULL',
    'column thumbnail of table manager_topography does not hold text',
  ],
])(
  'a table of TopoBank that cannot be read ends an audit, and leaves a backup without a list',
  async (schema, change, problem) => {
    bed = await createAuditBed(inject('postgres'), `${schema}; ${change}`);
    await bed.put('media/uploads/1/scan.opd');
    const message = `cannot determine which rows own which objects: ${problem} — restore the table to the form`;
    for (const args of [[], ['--quarantine', '--yes']]) {
      expect(await bed.audit(args)).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
    }
    const { status, stderr } = await bed.run(['backup']);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining(`the backup has no list of its media: ${message}`),
    });
  },
);

test('what an optional entry owns that the database has must be readable, though it lacks another column', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    'CREATE TABLE files (id int PRIMARY KEY, file text); CREATE TABLE albums (id int); INSERT INTO albums VALUES (1)',
  );
  await bed.put('media/albums/1/x');
  const audit = (owns: readonly string[]) =>
    bed.audit([
      '--references',
      JSON.stringify([{ column: 'files.file' }, { table: 'albums', owns, optional: true }]),
    ]);
  expect(await audit(['zips/{slug}/', 'albums/{id}/'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('table albums has no primary key'),
  });
  expect(await audit(['zips/{slug}/'])).toMatchObject({ status: 3 });
  await bed.database.query('ALTER TABLE albums ADD PRIMARY KEY (id)');
  expect(await audit(['zips/{slug}/', 'albums/{id}/'])).toMatchObject({ status: 0 });
});
