import type { Fault } from '../catalog/verification.ts';
import { type DumpDigest, dataEntry, type EntryDigest, type TableDigest } from './dump-digest.ts';

const NOTHING = 'nothing';

/** The tables whose rows differ between the dump and the dump of its restored database. */
export function compareRows(original: DumpDigest, restored: DumpDigest): Fault[] {
  return [...original.tables].flatMap(([where, table]) => {
    const found = foundOf(where, table, restored);
    const rows = tableFault(
      where,
      `${table.rows} rows`,
      found === undefined ? NOTHING : `${found.rows} rows`,
    );
    const hashes = [table, found].map((digest) => digest?.sha256[0]);
    return comparesBytes(table, found) ? [...rows, ...tableFault(where, hashes[0], hashes[1])] : rows;
  });
}

/** Tables for which only the number of rows can be compared. */
export function tablesCounted(original: DumpDigest, restored: DumpDigest): string[] {
  return [...original.tables].flatMap(([where, table]) => {
    const found = foundOf(where, table, restored);
    return found === undefined || comparesBytes(table, found) ? [] : [where];
  });
}

/** Tables with rows that only the dump of the restored database has. */
export function tablesBeyond(original: DumpDigest, restored: DumpDigest): string[] {
  const known = new Set([...original.tables].flatMap(([name, { partitions }]) => [name, ...partitions]));
  return [...restored.tables].flatMap(([name, { rows }]) => (rows > 0 && !known.has(name) ? [name] : []));
}

/** What the restored database has of a table; if its partitions are dumped separately, of all of them together. */
function foundOf(where: string, { partitions }: TableDigest, restored: DumpDigest): TableDigest | undefined {
  const found = restored.tables.get(where);
  const parts = [...partitions].flatMap((name) => restored.tables.get(name) ?? []);
  if (found !== undefined || parts.length === 0) return found;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return { rows, sha256: parts.flatMap(({ sha256 }) => sha256), partitions };
}

/**
 * A table's hash is comparable if the table has a single block of its own. Several blocks are merged into one, and
 * rows that go through a partitioned table may end up in a different order, and in a different partition.
 */
function comparesBytes(table: TableDigest, found: TableDigest | undefined): boolean {
  return found !== undefined && table.sha256.length === 1 && table.partitions.size === 0;
}

function tableFault(where: string, expected: string | undefined, found: string | undefined): Fault[] {
  if (expected === found) return [];
  return [{ what: 'table', where, expected: expected ?? NOTHING, found: found ?? NOTHING }];
}

/**
 * The entries whose text differs, is missing or is extra; if there are none, the first that is in a different place.
 */
export function compareText(original: DumpDigest, dumpedAgain: DumpDigest): Fault[] {
  const restored = withoutEmpty(original, dumpedAgain);
  const [before, after] = [byName(original.entries), byName(restored.entries)];
  const faults = [...new Set([...before.keys(), ...after.keys()])].flatMap((where): Fault[] => {
    const [expected, found] = [before, after].map((texts) => texts.get(where)?.join(', ') ?? NOTHING);
    if (expected === undefined || found === undefined || expected === found) return [];
    return [{ what: 'schema', where, expected, found }];
  });
  if (faults.length > 0) return faults;
  const moved = original.entries.findIndex(({ name }, at) => name !== restored.entries[at]?.name);
  const [expected, found] = [original, restored].map(({ entries }) => entries[moved]?.name);
  if (expected === undefined || found === undefined) return [];
  return [{ what: 'schema', where: 'in the order of its entries', expected, found }];
}

/**
 * The second dump without the tables that have no rows and that the first one has left out: pg_dump does so with
 * unlogged tables on a standby, and where an option tells it to.
 */
function withoutEmpty(original: DumpDigest, restored: DumpDigest): DumpDigest {
  const empty = new Set(
    [...restored.tables]
      .filter(([name, { rows }]) => rows === 0 && !original.tables.has(name))
      .map(([name]) => dataEntry(name)),
  );
  return empty.size === 0
    ? restored
    : { ...restored, entries: restored.entries.filter(({ name }) => !empty.has(name)) };
}

/** Entries may share a name. Overloaded functions do not: pg_dump puts their arguments into it. */
function byName(entries: readonly EntryDigest[]): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const { name, sha256 } of entries) texts.set(name, [...(texts.get(name) ?? []), sha256]);
  return texts;
}
