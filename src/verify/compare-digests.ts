import type { Fault } from '../catalog/verification.ts';
import type { DumpDigest, EntryDigest, TableDigest } from './dump-digest.ts';

const NOTHING = 'nothing';

/** The tables whose rows are other ones, by what the dump and the one of its restored database say. */
export function compareRows(original: DumpDigest, again: DumpDigest): Fault[] {
  return [...original.tables].flatMap(([where, table]) => {
    const found = again.tables.get(where);
    const rows = tableFault(
      where,
      `${table.rows} rows`,
      found === undefined ? NOTHING : `${found.rows} rows`,
    );
    // The blocks of a table become one, whose hash is none of theirs.
    const comparable = table.sha256.length === 1;
    const [hash, other] = [table, found].map(hashOf);
    return [...rows, ...(comparable && found !== undefined ? tableFault(where, hash, other) : [])];
  });
}

/** Tables with rows that only the restored database has a COPY of. */
export function tablesBeyond(original: DumpDigest, again: DumpDigest): string[] {
  return [...again.tables].flatMap(([name, { rows }]) =>
    rows > 0 && !original.tables.has(name) ? [name] : [],
  );
}

function tableFault(where: string, expected: string | undefined, found: string | undefined): Fault[] {
  if (expected === found) return [];
  return [{ what: 'table', where, expected: expected ?? NOTHING, found: found ?? NOTHING }];
}

function hashOf(table: TableDigest | undefined): string | undefined {
  return table?.sha256[0];
}

/** The entries whose text is another one, missing, or more; else the first that stands in another place. */
export function compareText(original: DumpDigest, again: DumpDigest): Fault[] {
  const [before, after] = [byName(original.entries), byName(again.entries)];
  const faults = [...new Set([...before.keys(), ...after.keys()])].flatMap((where): Fault[] => {
    const [expected, found] = [before, after].map((texts) => texts.get(where)?.join(', ') ?? NOTHING);
    if (expected === undefined || found === undefined || expected === found) return [];
    return [{ what: 'schema', where, expected, found }];
  });
  if (faults.length > 0) return faults;
  const moved = original.entries.findIndex(({ name }, at) => name !== again.entries[at]?.name);
  const [expected, found] = [original, again].map(({ entries }) => entries[moved]?.name);
  if (expected === undefined || found === undefined) return [];
  return [{ what: 'schema', where: 'in the order of its entries', expected, found }];
}

/** Several entries may have the same name: functions that differ by their arguments, for one, have not. */
function byName(entries: readonly EntryDigest[]): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const { name, sha256 } of entries) texts.set(name, [...(texts.get(name) ?? []), sha256]);
  return texts;
}
