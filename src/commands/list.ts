import type { Backup } from '../catalog/backup.ts';
import { listBackups } from '../catalog/catalog.ts';
import { lookElsewhere } from '../catalog/look-elsewhere.ts';
import { databaseOf } from '../catalog/manifest.ts';
import { type Check, decisiveCheck, describeFaults, faultyCheck } from '../catalog/verification.ts';
import { EXIT } from '../errors.ts';
import { describeShrink, describeSpared, findLarger, judgeShrink } from '../retention/shrink-guard.ts';
import { joinLines } from '../ui/controls.ts';
import { formatBytes, formatVersion } from '../ui/format.ts';
import { renderTable, right } from '../ui/table.ts';
import { age, since, summarize } from './backup-summary.ts';
import { LIST_GROUPS } from './groups.ts';
import { type Invocation, openSession, withStore } from './session.ts';

/** `list`: the backups in the bucket, newest first. */
export async function run(invocation: Invocation): Promise<number> {
  const session = openSession(invocation, LIST_GROUPS);
  const { config, signal } = session;
  const now = session.now();
  const { backups, remedy } = await withStore(session, async (store) => {
    const catalog = { store, prefix: config.prefix };
    const backups = await listBackups(catalog, signal);
    return { backups, remedy: backups.length > 0 ? '' : await lookElsewhere(catalog, signal) };
  });
  const shrink = judgeShrink(backups, config.shrinkGuard, now);
  const larger = findLarger(backups, config.shrinkGuard, now);
  session.print(
    backups.map((backup) => ({
      ...summarize(backup, config.prefix),
      ...(shrink !== undefined && shrink.key === backup.dump?.key ? { shrunk: shrink } : {}),
    })),
    backups.length === 0
      ? `no backups under ${config.prefix} in bucket ${config.bucket}; if there should be some, ${remedy}`
      : render(backups, now, [
          ...(shrink === undefined ? [] : [describeShrink(shrink, config.shrinkGuard)]),
          ...larger
            .filter(({ previous }) => previous.key !== shrink?.previous.key)
            .map((each) => describeSpared(each, config.shrinkGuard)),
        ]),
  );
  return EXIT.done;
}

function render(backups: readonly Backup[], now: Date, notes: readonly string[]): string {
  const rows = backups.map((backup) => rowOf(backup, now));
  const table = renderTable(
    ['id', right('age'), right('size'), 'state', 'database', 'server', 'verified'],
    rows,
  );
  const faults = backups.flatMap(faultNotes);
  const below = [...faults, ...notes];
  return below.length === 0 ? table : `${table}\n\n${joinLines(below)}`;
}

function rowOf({ id, state, dump, manifest, verified, unreadRecord }: Backup, now: Date): string[] {
  return [
    id,
    age(id, now),
    dump === undefined ? '-' : formatBytes(dump.bytes),
    state,
    databaseOf({ manifest }) ?? '-',
    formatVersion(manifest?.server ?? '-'),
    unreadRecord === undefined ? describeCheck(decisiveCheck(verified), now) : 'unreadable',
  ];
}

/** `full, 3h ago` */
function describeCheck(check: Check | undefined, now: Date): string {
  if (check === undefined) return '-';
  const ago = `${check.depth}, ${since(new Date(check.at), now)} ago`;
  return check.ok ? ago : `FAULTY (${ago})`;
}

/** Notes about a backup to print below the table. */
function faultNotes(backup: Backup): string[] {
  if (backup.state === 'broken') return [`${backup.id} is broken: ${backup.fault}`];
  if (backup.unreadRecord !== undefined) {
    return [`${backup.id}: whether it was found faulty is unknown: ${backup.unreadRecord}`];
  }
  const check = faultyCheck(backup.verified);
  return check !== undefined ? [`${backup.id} is faulty: ${describeFaults(check)}`] : [];
}
