import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from '../../support/database.ts';
import { createTestBed, type TestBed } from '../../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
});

afterAll(() => bed.close());

/** Backs the database up and restores it beside. @returns the lines of the log that warn, and the tables with statistics */
async function restore() {
  expect(await bed.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
  const into = `${bed.database.name}_copy`;
  const { status, stderr } = await bed.run([
    'restore',
    'latest',
    '--into',
    into,
    '--jobs',
    '2',
    '--no-audit',
  ]);
  const { rows } = await withClient(bed.env, into, (client) =>
    client.query<{ name: string }>(
      `SELECT DISTINCT tablename AS name FROM pg_stats WHERE schemaname = 'public' ORDER BY 1`,
    ),
  );
  const warnings = stderr.split('\n').flatMap((line) => /WARN: (.*)/.exec(line)?.slice(1) ?? []);
  // Tables are analyzed beside one another.
  return { status, warnings: warnings.sort(), analyzed: rows.map(({ name }) => name) };
}

// Before PostgreSQL 14 no statistics of expressions can fail.
test.skipIf(inject('postgresMajor') < 14)(
  'statistics are gathered of all tables, but for what would have another server asked or fails',
  async () => {
    let asked = 0;
    const elsewhere = createServer((socket) => {
      asked += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const { port } = elsewhere.address() as AddressInfo;
    try {
      await bed.database.query(`
      CREATE EXTENSION postgres_fdw;
      CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${port}', dbname 'x');
      CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'x', password 'x');
      CREATE TABLE measured (day int) PARTITION BY RANGE (day);
      CREATE TABLE measured_here PARTITION OF measured FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (day);
      CREATE TABLE measured_here_1 PARTITION OF measured_here FOR VALUES FROM (0) TO (10);
      CREATE FOREIGN TABLE measured_there PARTITION OF measured FOR VALUES FROM (10) TO (20) SERVER elsewhere;
      INSERT INTO measured SELECT generate_series(0, 9);
      CREATE TABLE hashed (id int) PARTITION BY HASH (id);
      CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      INSERT INTO hashed SELECT generate_series(0, 9);
      CREATE TABLE divided AS SELECT generate_series(0, 9) AS id;
      CREATE STATISTICS inverse ON (10 / id) FROM divided;
      CREATE TABLE cancelled AS SELECT generate_series(0, 9) AS id;
      CREATE FUNCTION cancelled(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled; END $$;
      CREATE STATISTICS never ON (cancelled(id)), id FROM cancelled;
      CREATE TABLE dialled AS SELECT generate_series(0, 9) AS id;
      CREATE FUNCTION dialled(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE connection_failure; END $$;
      CREATE STATISTICS afar ON (dialled(id)), id FROM dialled;
      CREATE TABLE plain AS SELECT generate_series(0, 9) AS id`);
      expect(await restore()).toEqual({
        status: 0,
        warnings: [
          expect.stringMatching(/no planner statistics for table public\.cancelled: query_canceled$/),
          expect.stringMatching(/no planner statistics for table public\.dialled: connection_failure$/),
          expect.stringMatching(/no planner statistics for table public\.divided: division by zero$/),
        ],
        analyzed: ['hashed', 'hashed_0', 'measured_here', 'measured_here_1', 'plain'],
      });
      expect(asked).toBe(0);
    } finally {
      elsewhere.close();
    }
  },
);
