import type pg from 'pg';

/** Raises a session's memory for sorts, or for building indexes, to `kib` KiB if the server's setting is lower. */
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
