import { idTime } from '../catalog/backup-name.ts';
import { type Backup, listBackups } from '../catalog/catalog.ts';
import { describeShrink, judgeShrink } from '../retention/shrink-guard.ts';
import { formatBytes, formatDuration } from '../ui/format.ts';
import { renderTable } from '../ui/table.ts';
import { type Invocation, openSession, withStore } from './session.ts';

/** `list`: the backups in the bucket, newest first. */
export async function run(invocation: Invocation): Promise<undefined> {
  const session = openSession(invocation, ['store', 'guard']);
  const { config } = session;
  const now = session.now();
  const backups = await withStore(config, (store) => listBackups(store, config.prefix, invocation.signal));
  const shrink = judgeShrink(backups, config.shrinkGuard, now);
  session.print(
    backups.map((backup) => ({
      ...summarize(backup, config.prefix),
      ...(shrink !== undefined && shrink.key === backup.dump?.key ? { shrunk: shrink } : {}),
    })),
    backups.length === 0
      ? `no backups under ${config.prefix} in bucket ${config.bucket}`
      : render(backups, now, shrink === undefined ? [] : [describeShrink(shrink, config.shrinkGuard)]),
  );
}

/** The document of one backup in `list --json`. */
export function summarize(backup: Backup, prefix: string) {
  const { id, state, dump, manifest } = backup;
  return {
    id,
    key: dump?.key ?? manifest?.key ?? `${prefix}postgres-backup-${id}.manifest.json`,
    bytes: dump?.bytes ?? 0,
    state,
    startedAt: manifest?.startedAt ?? idTime(id)?.toISOString() ?? null,
    finishedAt: manifest?.finishedAt ?? dump?.lastModified.toISOString() ?? null,
    database: manifest?.database?.name ?? null,
    server: manifest?.server ?? null,
  };
}

function render(backups: readonly Backup[], now: Date, notes: readonly string[]): string {
  const rows = backups.map(({ id, state, dump, manifest }) => [
    id,
    age(id, now),
    dump === undefined ? '-' : formatBytes(dump.bytes),
    state,
    manifest?.database?.name ?? '-',
    manifest?.server?.split(' ')[0] ?? '-',
  ]);
  const table = renderTable(
    [
      { title: 'id' },
      { title: 'age', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'state' },
      { title: 'database' },
      { title: 'server' },
    ],
    rows,
  );
  const faults = backups.flatMap((backup) =>
    backup.state === 'broken' ? [`${backup.id} is broken: ${backup.fault}`] : [],
  );
  const below = [...faults, ...notes];
  return [table, ...(below.length > 0 ? ['', ...below] : [])].join('\n');
}

/** How long ago a backup was begun. */
export function age(id: string, now: Date): string {
  const time = idTime(id);
  if (time === undefined) return '-';
  const ms = now.getTime() - time.getTime();
  return ms < 0
    ? 'ahead of clock'
    : formatDuration(ms < 60_000 ? Math.floor(ms / 1000) * 1000 : Math.floor(ms / 60_000) * 60_000);
}
