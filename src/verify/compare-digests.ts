import type { Fault } from '../catalog/verification.ts';
import type { DumpDigest, EntryDigest, TableDigest } from './dump-digest.ts';

const NOTHING = 'nothing';

/** The tables whose rows are other ones, by what the dump and the one of its restored database say. */
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

/** Those of which no more can be compared than how many rows they have. */
export function tablesCounted(original: DumpDigest, restored: DumpDigest): string[] {
  return [...original.tables].flatMap(([where, table]) => {
    const found = foundOf(where, table, restored);
    return found === undefined || comparesBytes(table, found) ? [] : [where];
  });
}

/** Tables with rows that only the restored database has a COPY of. */
export function tablesBeyond(original: DumpDigest, restored: DumpDigest): string[] {
  const known = new Set([...original.tables].flatMap(([name, { partitions }]) => [name, ...partitions]));
  return [...restored.tables].flatMap(([name, { rows }]) => (rows > 0 && !known.has(name) ? [name] : []));
}

/** What the restored database has of a table; where its partitions are dumped each for itself, of them all. */
function foundOf(where: string, { partitions }: TableDigest, restored: DumpDigest): TableDigest | undefined {
  const found = restored.tables.get(where);
  const parts = [...partitions].flatMap((name) => restored.tables.get(name) ?? []);
  if (found !== undefined || parts.length === 0) return found;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return { rows, sha256: parts.flatMap(({ sha256 }) => sha256), partitions };
}

/**
 * Where a table has one block of its own, its hash is comparable. The blocks of several become one, and rows that go
 * through a partitioned table may come to stand in another order, and in another partition.
 */
function comparesBytes(table: TableDigest, found: TableDigest | undefined): boolean {
  return found !== undefined && table.sha256.length === 1 && table.partitions.size === 0;
}

function tableFault(where: string, expected: string | undefined, found: string | undefined): Fault[] {
  if (expected === found) return [];
  return [{ what: 'table', where, expected: expected ?? NOTHING, found: found ?? NOTHING }];
}

/** The entries whose text is another one, missing, or more; else the first that stands in another place. */
export function compareText(original: DumpDigest, restored: DumpDigest): Fault[] {
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

/** Entries may share a name. Overloaded functions do not: pg_dump puts their arguments into it. */
function byName(entries: readonly EntryDigest[]): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const { name, sha256 } of entries) texts.set(name, [...(texts.get(name) ?? []), sha256]);
  return texts;
}
