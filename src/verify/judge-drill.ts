import type { Manifest } from '../catalog/manifest.ts';
import { faultLine } from '../catalog/verification.ts';
import { formatCount } from '../ui/format.ts';
import { compareRows, compareText, tablesBeyond } from './compare-digests.ts';
import type { DumpDigest } from './dump-digest.ts';
import type { Finding } from './verification.ts';

/**
 * What a drill has shown. The rows of every table have to be the same. So has the text, unless it was written by
 * another major version of PostgreSQL, which writes it otherwise; and where it is not known with which options a dump
 * was taken, another text proves nothing.
 */
export function judgeDrill({
  original,
  again,
  manifest,
}: {
  readonly original: DumpDigest;
  readonly again: DumpDigest;
  readonly manifest: Manifest | undefined;
}): Omit<Finding, 'checked'> {
  /** Taken by `backup` itself, of the whole database. */
  const own = manifest !== undefined && manifest.snapshot !== null;
  const faults = compareRows(original, again);
  const open: string[] = [];
  const beyond = tablesBeyond(original, again);
  for (const where of own ? beyond : []) {
    const rows = again.tables.get(where)?.rows;
    faults.push({ what: 'table', where, expected: 'nothing', found: `${rows} rows` });
  }
  if (!own && beyond.length > 0) {
    open.push(`the rows of ${beyond.join(', ')}, which the dump does not have as COPY`);
  }
  const [wrote, writes] = [original, again].map(versions);
  if (wrote !== writes) {
    open.push(`the schema’s text, for ${wrote} has written the dump and ${writes} writes otherwise`);
  } else {
    const differences = compareText(original, again);
    if (own) faults.push(...differences);
    else if (differences[0] !== undefined) {
      open.push(
        `the schema’s text (${faultLine(differences[0])}), for the options of the dump are not known`,
      );
    }
  }
  const same = open.length === 0 ? 'its schema and ' : '';
  return {
    faults,
    proved: `${writes?.replace(/^pg_dump \d+ of /, '')} restores it; dumped again, ${same}all ${formatCount(original.tables.size)} tables are the same byte for byte`,
    unproved: open.length > 0 ? open.join('; ') : 'what the application makes of it',
  };
}

/** `pg_dump 15 of PostgreSQL 15` */
function versions({ index }: DumpDigest): string {
  const [pgDump, server] = [index.pgDumpVersion, index.serverVersion].map((version) =>
    Number.parseInt(version ?? '', 10),
  );
  return `pg_dump ${pgDump} of PostgreSQL ${server}`;
}
