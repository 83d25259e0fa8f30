import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { noneLost } from '../../src/restore/load/lost-privileges.ts';
import { tryStatement } from '../../src/restore/load/run-statement.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { keepingLog } from '../support/test-bed.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase(inject('postgres'));
});

afterAll(() => database.drop());

test.each([
  ['accepts', 'CREATE TABLE t (id integer);', 0],
  ['does not accept', 'CREATE TABLE u (id nowhere);', 1],
])(
  'a tried statement that the server %s leaves no savepoint in the dump’s transaction',
  async (_, sql, warnings) => {
    await withClient(database.env, database.name, async (client) => {
      const { log, lines } = keepingLog();
      await client.query('BEGIN');
      await tryStatement(
        client,
        Buffer.from(sql),
        { offset: 0, line: 1, entry: undefined },
        { name: 'it', log, lost: noneLost(), refused: undefined },
      );
      expect(lines).toHaveLength(warnings);
      await expect(client.query('RELEASE SAVEPOINT before_try')).rejects.toThrow('does not exist');
    });
  },
);
