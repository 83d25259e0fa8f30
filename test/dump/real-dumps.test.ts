import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { DumpIndex } from '../../src/dump/dump-index.ts';
import { createScanner } from '../../src/dump/scanner.ts';
import type { DumpToken } from '../../src/dump/tokens.ts';
import { DumpError } from '../../src/errors.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { nastySchema } from '../support/nasty-schema.ts';
import { runPgDump } from '../support/run-pg-dump.ts';

interface Read {
  readonly index: DumpIndex;
  /** Whether text and rows, one after the other, are the dump. */
  readonly sameBytes: boolean;
  readonly statements: readonly string[];
}

function read(dump: Buffer, chunkBytes: number): Read {
  const scanner = createScanner('test.sql');
  const bytes: Buffer[] = [];
  const statements: string[] = [];
  const take = (tokens: Iterable<DumpToken>) => {
    for (const token of tokens) {
      if ('data' in token) bytes.push(Buffer.from(token.data));
      if (token.type === 'statement') statements.push(token.sql.toString('latin1'));
    }
  };
  for (let at = 0; at < dump.length; at += chunkBytes) take(scanner.push(dump.subarray(at, at + chunkBytes)));
  take(scanner.end());
  return { index: scanner.finish(), sameBytes: Buffer.concat(bytes).equals(dump), statements };
}

describe.each([
  ['UTF8', "TEMPLATE template0 ENCODING 'UTF8'"],
  ['LATIN1', "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"],
  ['SQL_ASCII', "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"],
])('a dump of a database in %s', (encoding, options) => {
  let database: TestDatabase;
  let dump: Buffer;

  const pgDump = (...args: string[]) => runPgDump(database.env, [...args, database.name]);

  beforeAll(async () => {
    database = await createTestDatabase(inject('postgres'), options);
    await database.query(nastySchema(inject('postgresMajor')));
    dump = await pgDump();
  });

  afterAll(() => database.drop());

  test('has the tables, columns and rows that the database counts', async () => {
    const { index } = read(dump, 64 * 1024);
    const expected = await database.query<{ schema: string; name: string; columns: string[]; rows: number }>(
      `SELECT n.nspname AS schema, c.relname AS name,
              ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 ORDER BY attnum) AS columns,
              (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I.%I', n.nspname, c.relname),
                false, true, '')))[1]::text::int AS rows
         FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')`,
    );
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    const found = index.tables.map(({ schema, name, columns, rows }) => ({ schema, name, columns, rows }));
    expect(found.sort(byName)).toEqual(expected.sort(byName));
    expect(index.encoding).toBe(encoding);
  });

  test.each([
    ['COPY', []],
    ['--inserts', ['--inserts']],
    ['--verbose', ['--verbose']],
    ['quotes instead of dollars', ['--disable-dollar-quoting']],
  ])('is read the same in chunks of any size, with every byte once: %s', async (_about, args) => {
    const bytes = args.length === 0 ? dump : await pgDump(...args);
    const whole = read(bytes, bytes.length);
    expect(whole.sameBytes).toBe(true);
    for (const chunkBytes of [1009, 65_536]) expect(read(bytes, chunkBytes)).toEqual(whole);
  });

  test('has statements that the server takes one by one', async () => {
    const { statements } = read(dump, 8191);
    const creates = (what: string) => statements.filter((sql) => sql.startsWith(`CREATE ${what} `)).length;
    expect([creates('TABLE'), creates('FUNCTION'), creates('PROCEDURE'), creates('RULE')]).toEqual([
      4, 2, 1, 1,
    ]);
    expect(statements.filter((sql) => sql.startsWith('SELECT pg_catalog.lowrite(')).length).toBeGreaterThan(
      1,
    );
    expect(statements.every((sql) => sql.endsWith(';'))).toBe(true);
  });

  test('is read or refused with a DumpError, whatever is done to it', () => {
    const damage = fc.record({
      at: fc.nat(),
      drop: fc.nat(40),
      put: fc.constantFrom('', "'", '"', '$$', '\\.\n', '\n', ';', '/*', 'BEGIN ATOMIC ', '(', '\0'),
    });
    // The widest row tells nothing more when it is read again.
    const short = Buffer.from(dump.toString('latin1').replace(/(?:wide ){100,}/, 'wide '), 'latin1');
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
        let bytes: Buffer = short;
        for (const { at, drop, put } of damages) {
          const from = at % bytes.length;
          bytes = Buffer.concat([bytes.subarray(0, from), Buffer.from(put), bytes.subarray(from + drop)]);
        }
        const outcome = (chunkBytes: number) => {
          try {
            return read(bytes, chunkBytes).index;
          } catch (error) {
            expect(error).toBeInstanceOf(DumpError);
            return (error as DumpError).message;
          }
        };
        expect(outcome(997)).toEqual(outcome(bytes.length));
      }),
      { numRuns: 40 },
    );
  });
});
