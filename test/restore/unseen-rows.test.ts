import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { DatabaseError } from '../../src/errors.ts';
import type { Database } from '../../src/postgres/database.ts';
import { restoreDump } from '../../src/restore/restore.ts';
import { withClient } from '../support/database.ts';
import { dumpText, entry, textSource } from '../support/dump-text.ts';
import { createTestBed, keepingLog, noProgress, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterEach(() => bed.close());

/** The rehearsal, and the restore itself. */
const FILLING = 2;

/** The database, which takes no further connection to a scratch database once one has been filled. */
function fullAfterFilling(real: Database): Database {
  let uses = 0;
  return {
    ...real,
    use(name, signal, work) {
      if (name.includes('_restore_')) uses += 1;
      if (uses <= FILLING || name === real.maintenanceName) return real.use(name, signal, work);
      const problem = 'sorry, too many clients already';
      throw new DatabaseError({ doing: `cannot connect to ${name}`, problem, remedy: 'wait' });
    },
  };
}

test('in place, what was restored is kept if nobody can look at whether that is anything', async () => {
  const dump = dumpText(`${entry('TABLE', 't')}CREATE TABLE public.t (id integer CHECK (id < 3));
${entry('TABLE DATA', 't')}INSERT INTO public.t VALUES (1);
INSERT INTO public.t VALUES (3);\n`);
  const { log, lines } = keepingLog();
  const restoring = restoreDump(
    { database: fullAfterFilling(bed.tool), now: () => new Date(), log, startProgress: noProgress },
    textSource(dump),
    { target: { kind: 'in-place' }, noOwner: true },
    new AbortController().signal,
  );
  await expect(restoring).rejects.toThrow(/violates check constraint/);
  const [left = ''] = await bed.databases();
  expect(left).toMatch(/_restore_\d{14}$/);
  expect(lines.join('\n')).toContain('lacks rows: those of the refused statement');
  await withClient(bed.env, 'postgres', (client) =>
    client.query(`ALTER DATABASE ${left} RENAME TO ${bed.database.name}`),
  );
  expect(await bed.database.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
});
