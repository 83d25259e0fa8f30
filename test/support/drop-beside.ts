import { withClient } from './database.ts';
import type { TestBed } from './test-bed.ts';

/** Drops what restores have left beside the database of a test bed. */
export async function dropBeside(bed: TestBed): Promise<void> {
  const beside = (await bed.databases()).filter((name) => name !== bed.database.name);
  await withClient(bed.env, 'postgres', async (admin) => {
    for (const name of beside) await admin.query(`DROP DATABASE ${name}`);
  });
}
