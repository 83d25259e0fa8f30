import type { UsableBackup } from '../catalog/backup.ts';
import { compareTables, type TableChange } from '../catalog/compare-tables.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { DumpError } from '../errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { formatBytes, formatCount } from '../ui/format.ts';
import { renderTable, right } from '../ui/table.ts';
import { readBackupId } from './backup-id.ts';
import { chooseFor } from './choose.ts';
import { SHOW_GROUPS } from './groups.ts';
import { type Invocation, openSession, withStore } from './session.ts';

/** `show ID --diff OTHER`: rows and bytes that each table gained or lost from OTHER to ID. */
export async function showDiff(invocation: Invocation, id: string, other: string): Promise<void> {
  const wanted = [readBackupId(id, 'ID'), readBackupId(other, '--diff')];
  const session = openSession(invocation, SHOW_GROUPS);
  const [after, before] = await withStore(session, (store) =>
    mapConcurrently(wanted, wanted.length, async (named) =>
      manifestOf(await chooseFor(session, store, named)),
    ),
  );
  const tables = compareTables(before?.tables ?? [], after?.tables ?? []);
  const ids = { id: after?.id ?? id, other: before?.id ?? other };
  session.print({ ...ids, tables }, render(tables, ids.id, ids.other));
}

/** @throws DumpError for a backup without a manifest, whose tables are unknown */
function manifestOf({ dump, manifest }: UsableBackup<Manifest>): Manifest {
  if (manifest !== undefined) return manifest;
  throw new DumpError({
    doing: `cannot compare the tables of ${dump.key}`,
    problem: 'it has no manifest that describes them',
    remedy: '`fetch` and `push` it to create one',
  });
}

function render(tables: readonly TableChange[], id: string, other: string): string {
  const changed = tables.filter((table) => table.changed);
  const same = tables.length - changed.length;
  const below = `${formatCount(changed.length)} of ${formatCount(tables.length)} tables changed from ${other} to ${id}`;
  if (changed.length === 0) return `${below}, ${formatCount(same)} identical byte for byte`;
  const table = renderTable(
    ['table', right('rows'), right('gained'), right('size'), right('gained'), ''],
    changed.map(({ table, before, after, gained }) => [
      table,
      after === null ? '-' : formatCount(after.rows),
      signed(gained.rows, formatCount),
      after === null ? '-' : formatBytes(after.bytes),
      signed(gained.bytes, formatBytes),
      after === null ? 'gone' : before === null ? 'new' : '',
    ]),
  );
  return `${table}\n\n${below}`;
}

/** `+5`, `-5`, or `0`. */
function signed(amount: number, format: (amount: number) => string): string {
  return `${amount > 0 ? '+' : ''}${format(amount)}`;
}
