import { takeBackup } from '../backup/take-backup.ts';
import { formatBytes, formatCount, formatDuration } from '../ui/format.ts';
import { databaseOf, type Invocation, openSession, withStore } from './session.ts';

/** `backup`: one backup, now. */
export async function run(invocation: Invocation): Promise<undefined> {
  const session = openSession(invocation, ['database', 'store', 'backup', 'tools']);
  const { config } = session;
  const manifest = await withStore(config, (store) =>
    takeBackup(
      {
        ...session,
        ...config,
        store,
        database: databaseOf(config, invocation.env),
        env: invocation.env,
        tool: invocation.tool,
      },
      invocation.signal,
    ),
  );
  const { id, key, bytes, startedAt, finishedAt, database, server, tables } = manifest;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const took = formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
  session.print(
    {
      id,
      key,
      bytes,
      startedAt,
      finishedAt,
      database: database?.name ?? null,
      server,
      tables: tables.length,
      rows,
    },
    `backup ${id}: ${formatBytes(bytes)}, ${formatCount(tables.length)} tables, ${formatCount(rows)} rows, in ${took}\n${key} in bucket ${config.bucket}`,
  );
}
