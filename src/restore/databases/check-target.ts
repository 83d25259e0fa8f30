import pg from 'pg';
import type { DumpSource } from '../../catalog/dump-source.ts';
import { ConfigError, RestoreError } from '../../errors.ts';
import type { Database } from '../../postgres/database.ts';
import { describePrepared } from '../../postgres/prepared-transactions.ts';
import { dropStatements } from '../../postgres/subscriptions.ts';
import type { FoundDatabases, FoundTarget } from './find-target.ts';
import type { RestoreTarget } from './restore-target.ts';

/** With this many databases kept, an unattended restore is refused: a machine may be starting it over and over. */
const MOST_KEPT = 3;

/**
 * Which of the databases that earlier restores kept this restore drops: none if nobody is asked, because each may
 * hold what no backup has.
 */
export function keptToDrop({ kept }: FoundDatabases, target: RestoreTarget): readonly string[] {
  return target.kind === 'swap' && target.unasked === true ? [] : kept;
}

/** What was there when the restore was agreed to: the database to be replaced, and those kept beside it. */
export type Agreed = Pick<FoundDatabases, 'present' | 'kept'>;

/**
 * Makes sure that a database is dropped only if its drop was agreed to: while another restore was waited for, it may
 * have been replaced.
 *
 * @throws RestoreError
 */
export function checkAgreed(
  source: Pick<DumpSource, 'name'>,
  target: RestoreTarget,
  found: FoundDatabases,
  agreed: Agreed,
): void {
  const isDropped = target.kind === 'in-place' || (target.kind === 'swap' && target.dropOld);
  if (!isDropped || found.present === undefined || found.present.oid === agreed.present?.oid) return;
  throw new RestoreError({
    doing: `cannot restore ${source.name} in place of database ${found.name}`,
    problem: 'it would be dropped, and is another database than the one that was there a moment ago',
    remedy: 'see what has replaced it, and run again',
  });
}

/** Why a database cannot replace the maintenance database: over a connection to itself, none is renamed or dropped. */
export const SAME_DATABASE = {
  problem: 'POSTGRES_MAINTENANCE_DB names the same database',
  remedy: 'set POSTGRES_MAINTENANCE_DB to another one, such as template1',
} as const;

/**
 * To be called before anything is copied.
 *
 * @throws ConfigError if the database to be replaced is the maintenance database
 * @throws RestoreError if it belongs to another role; if others are connected to it who would be in the way in the
 * end; if a prepared transaction is left in it; if it cannot be dropped; if too many of the databases it has replaced
 * are kept; or if the name of a database to be added is taken
 */
export function checkTarget(
  source: Pick<DumpSource, 'name'>,
  target: RestoreTarget,
  { maintenanceName, user }: Pick<Database, 'maintenanceName' | 'user'>,
  { name, present, foreign, kept, untouchable, signalGrant, prepared, subscriptions }: FoundTarget,
): void {
  const { kind } = target;
  const instead = `cannot restore ${source.name} in place of database ${name}`;
  const quote = pg.escapeIdentifier;
  if (kind === 'into') {
    if (present === undefined) return;
    throw new RestoreError({
      doing: `cannot restore ${source.name} into ${name}`,
      problem: 'a database of that name exists',
      remedy: 'give --into an unused name',
    });
  }
  if (name === maintenanceName) throw new ConfigError({ doing: instead, ...SAME_DATABASE });
  if (foreign !== undefined) {
    throw new RestoreError({
      doing: instead,
      problem: `the role ${user} does not own that database, so it cannot replace it: ${foreign.problem}`,
      remedy: `${foreign.remedy}, or restore beside it with --into and --no-owner`,
    });
  }
  if (untouchable.length > 0) {
    const disable = subscriptions.map((each) => ` ALTER SUBSCRIPTION ${quote(each)} DISABLE;`).join('');
    throw new RestoreError({
      doing: instead,
      problem: `the role ${user} may not end the sessions of ${untouchable.join(', ')} in that database`,
      remedy: `end them, or ${signalGrant}, which does not cover those of superusers${disable === '' ? '' : `; those of its subscriptions end if you run in it:${disable}`}`,
    });
  }
  if (prepared.length > 0) throw new RestoreError({ doing: instead, ...describePrepared(prepared) });
  if (kind === 'swap' && target.unasked === true && present !== undefined && kept.length >= MOST_KEPT) {
    throw new RestoreError({
      doing: instead,
      problem: `earlier restores kept ${kept.join(', ')} (the first is from before all of them), and without a prompt nobody can agree to drop them`,
      remedy:
        'make sure a restart does not restore again (RESTORE_DATABASE), drop what is not needed, or run `topobank-backup restore`, which asks',
    });
  }
  if (kind === 'in-place' && subscriptions.length > 0) {
    throw new RestoreError({
      doing: instead,
      problem: `it has subscriptions (${subscriptions.join(', ')}), which keep it from being dropped`,
      remedy: `run in it: ${subscriptions.flatMap(dropStatements).join(' ')}, or omit --in-place, which keeps it`,
    });
  }
}
