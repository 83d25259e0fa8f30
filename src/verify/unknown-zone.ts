import type { Fault } from '../catalog/verification.ts';
import { RestoreError } from '../errors.ts';
import { formatNumber } from '../ui/format.ts';
import type { DumpDigest } from './dump-digest.ts';

/** A time zone, as POSIX has it, that no server is in: 11 hours and 17 minutes before UTC. */
export const OTHER_ZONE = 'XXX+11:17';

/**
 * Makes sure that rows are not blamed for the time zone that a dump has its times in, if it is not known in which. Does
 * nothing unless rows differ, and nothing else does.
 *
 * @param restored the restored database, dumped in the time zone of the session
 * @param dumpInOtherZone dumps it in {@link OTHER_ZONE}
 * @throws RestoreError if the time zone may be why they differ, or what dumping throws
 */
export async function refuseUnknownZone(
  name: string,
  faults: readonly Fault[],
  restored: DumpDigest,
  dumpInOtherZone: () => Promise<DumpDigest>,
): Promise<void> {
  if (faults.length === 0 || !faults.every((fault) => isOfRows(fault))) return;
  const other = await dumpInOtherZone();
  const hash = ({ tables }: DumpDigest, table: string) => tables.get(table)?.sha256.join();
  if (!faults.every(({ where }) => hash(restored, where) !== hash(other, where))) return;
  throw new RestoreError({
    doing: `cannot try to restore ${name}`,
    problem: `the rows of ${formatNumber(faults.length, 'table')} have times, and it is not known in which time zone the dump has them: ${faults.map(({ where }) => where).join(', ')}`,
    remedy:
      'set PGTZ to the TimeZone of the session that dumped the database, by default its server’s (SHOW TimeZone); if PGTZ is that already, the rows differ in more than their times',
  });
}

function isOfRows({ what, expected }: Fault): boolean {
  return what === 'table' && SHA256.test(expected);
}

const SHA256 = /^[0-9a-f]{64}$/;
