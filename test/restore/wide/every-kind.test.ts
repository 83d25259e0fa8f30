import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { withClient } from '../../support/database.ts';
import { BEYOND_LATIN1, everyKind } from '../../support/every-kind.ts';
import { nastySchema } from '../../support/nasty-schema.ts';
import { createTestBed, type TestBed } from '../../support/test-bed.ts';
import { firstDifference, wholeDump, withRowsSorted } from '../../support/whole-dump.ts';

/** In the first, the largest table is cut into three pieces. */
const DATABASES = [
  { encoding: 'UTF8', options: '', largeRows: 40_000, more: BEYOND_LATIN1 },
  {
    encoding: 'LATIN1',
    options: `TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`,
    largeRows: 1000,
    more: '',
  },
  {
    encoding: 'SQL_ASCII',
    options: `TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`,
    largeRows: 1000,
    more: `CREATE TABLE public.no_text AS SELECT convert_from('\\x61ff62', 'SQL_ASCII') AS body;
      DO $$ BEGIN
        EXECUTE format('CREATE TABLE public.%I AS SELECT 1 AS a', convert_from('\\x74e9', 'SQL_ASCII'));
      END $$`,
  },
];

describe.each(DATABASES)('a database in $encoding', ({ encoding, options, largeRows, more }) => {
  let bed: TestBed;
  let role: string;
  let id: string;
  let before: Buffer;

  beforeAll(async () => {
    bed = await createTestBed(inject('postgres'), options);
    role = `${bed.database.name} "; reader`;
    await bed.database.query(
      [nastySchema(inject('postgresMajor')), more, everyKind(role, largeRows, inject('postgresMajor'))].join(
        ';',
      ),
    );
    before = await wholeDump(bed.env, bed.database.name);
    id = (JSON.parse((await bed.run(['backup', '--json'])).stdout) as { id: string }).id;
  });

  afterAll(async () => {
    await bed.close();
    await withClient(bed.env, 'postgres', (client) =>
      client.query(`DROP ROLE ${client.escapeIdentifier(role)}`),
    );
  });

  async function restore(jobs: number): Promise<Buffer> {
    const into = `${bed.database.name}_${jobs}`;
    const restored = await bed.run(['restore', id, '--jobs', `${jobs}`, '--into', into, '--quiet']);
    expect(restored).toMatchObject({ status: 0, stderr: '' });
    return wholeDump(bed.env, into);
  }

  test('is restored over four connections to what it was, but for the order of rows', async () => {
    expect(firstDifference(withRowsSorted(before), withRowsSorted(await restore(4)))).toBeUndefined();
  });

  test('is restored over one connection to what it was', async () => {
    expect(firstDifference(before, await restore(1))).toBeUndefined();
  });

  test.runIf(encoding === 'UTF8')('is proven by a drill, which leaves nothing behind', async () => {
    const names = await bed.databases();
    const verified = await bed.run(['verify', id, '--restore', '--quiet', '--json']);
    expect(verified).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(verified.stdout)).toMatchObject({ depth: 'restore', ok: true, faults: [] });
    expect(await bed.databases()).toEqual(names);
  });
});
