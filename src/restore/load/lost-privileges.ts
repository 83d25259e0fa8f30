import type pg from 'pg';
import { errorCode, excerptOf } from '../../postgres/errors.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import type { Logger } from '../../ui/log.ts';

/** How many statements are told of: one role may lack the same for each of a thousand functions. */
const TOLD = 20;

/** Grants and revocations of a dump that are without effect, because this role may not make them. */
export interface LostPrivileges {
  /** The first ones: each statement's place in the dump, and what the server says of it. */
  readonly told: string[];
  count: number;
}

/** None yet; {@link notingLost} adds to them. */
export function noneLost(): LostPrivileges {
  return { told: [], count: 0 };
}

/** Warns of what a restored database lacks. */
export function tellLost({ told, count }: LostPrivileges, log: Logger): void {
  for (const problem of told) log.warn(`${problem}; run the statement as a superuser after the restore`);
  if (count > told.length) log.warn(`${count - told.length} more grants or revocations are without effect`);
}

const WITHOUT_EFFECT = new Set<string | undefined>([
  SQLSTATE.privilegeNotGranted,
  SQLSTATE.privilegeNotRevoked,
]);

/**
 * Runs a statement and notes if it gives or takes less than it says, of which the server only warns (manual, GRANT).
 *
 * @param place of the statement in the dump
 */
export async function notingLost(
  client: pg.Client,
  lost: LostPrivileges,
  place: string,
  run: () => Promise<void>,
): Promise<void> {
  const note = (notice: { readonly message?: string | undefined }) => {
    if (!WITHOUT_EFFECT.has(errorCode(notice))) return;
    lost.count += 1;
    if (lost.count <= TOLD) lost.told.push(`${place}: ${excerptOf(notice.message ?? '')}`);
  };
  client.on('notice', note);
  try {
    await run();
  } finally {
    client.off('notice', note);
  }
}
