/** Longest name of a database in bytes (NAMEDATALEN − 1, manual §4.1.1). */
const LONGEST = 63;

/** `topobank` → `topobank_restore_20261123103000`; a long name is cut in front of the suffix. */
export function scratchName(database: string, time: string): string {
  return withSuffix(database, `_restore_${time}`);
}

/** The name under which the old database is kept. */
export function keptName(database: string, time: string): string {
  return withSuffix(database, `_before_restore_${time}`);
}

/** Whether `name` is that of an old database of `database` that an earlier restore has kept. */
export function isKeptName(database: string, name: string): boolean {
  const time = /_before_restore_(\d{14})$/.exec(name)?.[1];
  return time !== undefined && keptName(database, time) === name;
}

function withSuffix(database: string, suffix: string): string {
  const bytes = Buffer.from(database);
  const room = LONGEST - suffix.length;
  let cut = Math.min(bytes.length, room);
  // A character of several bytes is not cut in two.
  while (cut < bytes.length && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return bytes.toString('utf8', 0, cut) + suffix;
}
