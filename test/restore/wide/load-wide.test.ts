import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { compareDigests, digestDatabase } from '../../support/compare-databases.ts';
import { NASTY_SCHEMA } from '../../support/nasty-schema.ts';
import { createTestBed, type TestBed } from '../../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(NASTY_SCHEMA);
  await bed.database.query(`
    CREATE TABLE surface (id integer PRIMARY KEY, name text);
    CREATE TABLE topography (id integer PRIMARY KEY, surface integer REFERENCES surface, body text);
    INSERT INTO surface SELECT n, 'surface ' || n FROM generate_series(1, 20000) n;
    INSERT INTO topography SELECT n, 1 + n % 20000, repeat(md5(n::text), 6) FROM generate_series(1, 300000) n;
    CREATE INDEX ON topography (surface); CREATE INDEX ON topography (body); CREATE INDEX ON surface (name);
    COMMENT ON INDEX topography_body_idx IS 'bodies';`);
});

afterAll(() => bed.close());

test('a restore over four connections brings back what is in the database', async () => {
  const backup = await bed.run(['backup', '--json']);
  const { id } = JSON.parse(backup.stdout) as { id: string };
  const into = `${bed.database.name}_wide`;
  const restored = await bed.run(['restore', id, '--jobs', '4', '--into', into], { LOG_LEVEL: 'debug' });
  expect(restored).toMatchObject({ status: 0 });
  const [before, after] = await Promise.all(
    [bed.database.name, into].map((name) => digestDatabase(bed.env, name)),
  );
  expect(compareDigests(before!, after!)).toEqual([]);
});
