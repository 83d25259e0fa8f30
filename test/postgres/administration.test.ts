import { expect, inject, test } from 'vitest';
import { dropDatabase, listDatabases } from '../../src/postgres/administration.ts';
import { createTestDatabase, withClient } from '../support/database.ts';

const postgres = inject('postgres');

test('a template that cannot be dropped stays a template, and serves on', async () => {
  const { name, query, drop } = await createTestDatabase(postgres);
  await query(
    `CREATE SUBSCRIPTION "${name}" CONNECTION '' PUBLICATION x WITH (connect = false, slot_name = NONE);
     ALTER DATABASE ${name} IS_TEMPLATE true`,
  );
  await withClient(postgres, 'postgres', async (admin) => {
    await expect(dropDatabase(admin, name)).rejects.toThrow(
      /cannot drop database .* subscription — list its subscriptions with \\dRs in psql, .* \(DROP SUBSCRIPTION, after/,
    );
    const known = (await listDatabases(admin)).find((database) => database.name === name);
    expect(known).toMatchObject({ template: true, connectable: true });
  });
  await query(`DROP SUBSCRIPTION "${name}"; ALTER DATABASE ${name} IS_TEMPLATE false`);
  await drop();
});
