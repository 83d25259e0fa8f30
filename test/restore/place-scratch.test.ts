import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { DatabaseError } from '../../src/errors.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { findDatabases } from '../../src/restore/databases/find-target.ts';
import { placeScratch } from '../../src/restore/databases/place-scratch.ts';
import type { RestoreTarget } from '../../src/restore/databases/restore-target.ts';
import { createTestDatabase, listDatabaseNames, type TestDatabase, withClient } from '../support/database.ts';
import { keepingLog } from '../support/test-bed.ts';

const postgres = inject('postgres');
let serial = 0;
let base: TestDatabase;
let database: Database;
let names: { target: string; scratch: string; kept: string };

beforeAll(async () => {
  base = await createTestDatabase(postgres);
  database = openDatabase(readConfig({ env: base.env, flags: {} }, ['database']), {});
});

afterAll(() => base.drop());

beforeEach(async () => {
  const target = `${base.name}_${++serial}`;
  names = { target, scratch: `${target}_restore`, kept: `${target}_before` };
  await asAdmin(`CREATE DATABASE "${names.scratch}"`);
});

const asAdmin = (sql: string) => withClient(postgres, 'postgres', (client) => client.query(sql));

const present = async () =>
  (await listDatabaseNames(postgres)).filter((name) => name.startsWith(names.target));

/** Places the scratch database where none was before, with what the database server is like meanwhile. */
async function place(target: RestoreTarget, like: (real: Database) => Database = (real) => real) {
  const found = await database.use('postgres', new AbortController().signal, (admin) =>
    findDatabases(admin, names.target),
  );
  const { log, lines } = keepingLog();
  const placed = placeScratch({ database: like(database), log }, target, found, names);
  return { error: await placed.then(() => undefined).catch((error: Error) => error.message), lines };
}

/** A server that goes away once: before its first work is done, or with the answer to it. */
function awayOnce(when: 'before' | 'after'): (real: Database) => Database {
  let isAway = false;
  return (real) => ({
    ...real,
    async use(name, signal, work) {
      if (isAway) return real.use(name, signal, work);
      isAway = true;
      if (when === 'after') await real.use(name, signal, work);
      const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      throw new DatabaseError({ doing: 'cannot connect', problem: 'refused', remedy: 'wait', cause });
    },
  });
}

const TARGETS: readonly [RestoreTarget['kind'], () => RestoreTarget][] = [
  ['swap', () => ({ kind: 'swap', dropOld: false })],
  ['in-place', () => ({ kind: 'in-place' })],
  ['into', () => ({ kind: 'into', name: names.target })],
];

test.each(TARGETS)(
  '%s: with no database to go back to, a complete one stays if it cannot be renamed',
  async (...row) => {
    const [, target] = row;
    const { error } = await place(target(), (real) => ({
      ...real,
      async use(name, signal, work) {
        // The application has made its own meanwhile.
        await asAdmin(`CREATE DATABASE "${names.target}"`);
        return real.use(name, signal, work);
      },
    }));
    expect(error).toBe(
      `cannot give the restored database the name ${names.target}: database "${names.target}" already exists — it is complete; drop or rename the database ${names.target} that has been created meanwhile, then run: ALTER DATABASE "${names.scratch}" RENAME TO "${names.target}";`,
    );
    expect(await present()).toEqual([names.target, names.scratch]);
    await asAdmin(`DROP DATABASE "${names.target}"`);
  },
);

test.each(
  TARGETS.flatMap(([kind, target]) =>
    (['before', 'after'] as const).map((when) => [kind, when, target] as const),
  ),
)('%s: a server that goes away %s it has renamed the database is waited for', async (...row) => {
  const [, when, target] = row;
  const { error, lines } = await place(target(), awayOnce(when));
  expect(error).toBeUndefined();
  expect(lines).toEqual([
    expect.stringMatching(
      `^warn: waiting up to 1m for the server \\S+, to rename database ${names.scratch} to ${names.target}: `,
    ),
  ]);
  expect(await present()).toEqual([names.target]);
});
