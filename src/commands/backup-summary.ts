import type { Backup } from '../catalog/backup.ts';
import { idTime, manifestKey } from '../catalog/backup-name.ts';
import { databaseOf } from '../catalog/manifest.ts';
import { decisiveCheck } from '../catalog/verification.ts';
import { formatDuration } from '../ui/format.ts';

/** The document of one backup in `list --json`. */
export function summarize(backup: Backup, prefix: string) {
  const { id, state, dump, manifest } = backup;
  return {
    id,
    key: dump?.key ?? manifest?.key ?? manifestKey(prefix, id),
    bytes: dump?.bytes ?? 0,
    state,
    startedAt: manifest?.startedAt ?? idTime(id)?.toISOString() ?? null,
    finishedAt: manifest?.finishedAt ?? dump?.lastModified.toISOString() ?? null,
    database: databaseOf(backup) ?? null,
    server: manifest?.server ?? null,
    verified: verifiedDocument(backup),
    ...(backup.unreadRecord === undefined ? {} : { unreadRecord: backup.unreadRecord }),
  };
}

/** When and how deep a backup was verified, and what was wrong with it; null if it never was. */
function verifiedDocument({ verified }: Backup) {
  const check = decisiveCheck(verified);
  if (check === undefined) return null;
  const { at, depth, ok, faults } = check;
  return { at, depth, ok, faults };
}

/** How long ago a backup was begun. */
export function age(id: string, now: Date): string {
  const time = idTime(id);
  if (time === undefined) return '-';
  return now < time ? 'ahead of clock' : since(time, now);
}

/** How long ago, to the minute, or to the second within the last one. */
export function since(time: Date, now: Date): string {
  const ms = Math.max(0, now.getTime() - time.getTime());
  return formatDuration(ms < 60_000 ? Math.floor(ms / 1000) * 1000 : Math.floor(ms / 60_000) * 60_000);
}
