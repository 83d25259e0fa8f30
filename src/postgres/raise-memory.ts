import type pg from 'pg';

/** Gives a session's sorts, or its building of indexes, so many KiB of memory where the server's own setting is less. */
export async function raiseMemory(
  client: pg.Client,
  setting: 'work_mem' | 'maintenance_work_mem',
  kib: number,
): Promise<void> {
  await client.query(
    `SELECT set_config(name, greatest(setting::int, $2::int) || 'kB', false) FROM pg_settings WHERE name = $1`,
    [setting, kib],
  );
}
