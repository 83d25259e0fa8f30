import pg from 'pg';
import type { DumpSource } from '../catalog/dump-source.ts';
import { ConfigError, RestoreError } from '../errors.ts';
import { lookUntilGone } from '../look-until-gone.ts';
import { listDatabases } from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { openAgain } from '../postgres/database-statements.ts';
import { databaseError } from '../postgres/errors.ts';
import { describePrepared, type PreparedTransaction, preparedIn } from '../postgres/prepared-transactions.ts';
import { grantRightsOf, lackToReplace, readMemberships, untouchableRoles } from '../postgres/roles.ts';
import { dropStatements, slotsOf, subscriptionsOf } from '../postgres/subscriptions.ts';
import { isKeptName, isScratchName } from './database-names.ts';

/** How long to wait for obstacles that may pass by themselves, like the sessions of a monitor. */
const PASSING = { mostMs: 3000, pauseMs: 300 };

/** With this many databases kept, an unattended restore is refused: a machine may be starting it over and over. */
const MOST_KEPT = 3;

/** Where the restored database goes. */
export type RestoreTarget =
  /**
   * In place of the target database, which is kept under another name or dropped after the swap. `unasked`: there is
   * nobody to ask, see {@link keptToDrop}.
   */
  | { readonly kind: 'swap'; readonly dropOld: boolean; readonly unasked?: boolean }
  /** In place of the target database, which is dropped first: for servers without room for two. */
  | { readonly kind: 'in-place' }
  /** Beside it, under a free name; `only` lists the tables whose rows are wanted, if not all. */
  | { readonly kind: 'into'; readonly name: string; readonly only?: readonly string[] };

/** The name that the restored database gets. */
export function targetName(target: RestoreTarget, { name }: Pick<Database, 'name'>): string {
  return target.kind === 'into' ? target.name : name;
}

/** What the server has under the target's name, and what earlier restores have left beside it. */
export interface FoundDatabases {
  readonly name: string;
  readonly exists: boolean;
  /** Of the database that is there, `pg_database.oid`. */
  readonly oid?: number | undefined;
  /** Whether a drop of it was cut off, so that nothing else can be done with it. */
  readonly invalid: boolean;
  /** The names of all databases of the server. */
  readonly taken: ReadonlySet<string>;
  /** Old databases that earlier restores have kept. */
  readonly kept: readonly string[];
  /** What restores that were killed left behind. */
  readonly traces: readonly RestoreTrace[];
}

/** What is known of a database that a restore is to replace or add. */
interface FoundTarget extends FoundDatabases {
  /** If the role does not own it: whose it is, and the statement that lets the role replace it. */
  readonly foreign: { readonly problem: string; readonly remedy: string } | undefined;
  /** Roles that are connected to it and whose sessions the role may not end. */
  readonly untouchable: readonly string[];
  /** The statement that lets the role end such sessions, except for those of superusers. */
  readonly signalGrant: string;
  /** Prepared transactions in it that nobody has finished, and that survive the end of every session. */
  readonly prepared: readonly PreparedTransaction[];
  /** Its logical replication subscriptions: with one it cannot be dropped, and the worker of each is a session. */
  readonly subscriptions: readonly string[];
  /** Logical replication slots through which others follow it. */
  readonly slots: readonly string[];
}

interface RestoreTrace {
  readonly problem: string;
  /** The statement to run. */
  readonly remedy: string;
}

/** @param admin a connection to the maintenance database */
export async function findDatabases(admin: pg.Client, name: string): Promise<FoundDatabases> {
  const databases = await listDatabases(admin);
  const present = databases.find((database) => database.name === name);
  const traces: RestoreTrace[] = databases
    .filter((database) => isScratchName(name, database.name))
    .map((database) => {
      const drop = `DROP DATABASE ${pg.escapeIdentifier(database.name)};`;
      if (present !== undefined) {
        return {
          problem: `database ${database.name} belongs to a restore that was killed or is still running`,
          remedy: `if none is running, run: ${drop}`,
        };
      }
      // A database dropped for --in-place leaves nothing else behind.
      return {
        problem: `there is no database ${name}, and ${database.name} holds a partial restore that was killed or is still running`,
        remedy: `if none is running, restore ${name} again, and then run: ${drop}`,
      };
    });
  if (present?.invalid) {
    traces.push({
      problem: `dropping database ${name} was cut off, and nothing can be done with what is left of it`,
      remedy: `restore it, which drops that first; or run: DROP DATABASE ${pg.escapeIdentifier(name)};`,
    });
  } else if (present?.connectable === false) {
    traces.push({
      problem: `database ${name} refuses connections, as after a restore that was killed during the swap`,
      remedy: `to let it accept connections again, run: ${openAgain(name)}`,
    });
  }
  return {
    name,
    exists: present !== undefined,
    oid: present?.oid,
    invalid: present?.invalid === true,
    taken: new Set(databases.map((database) => database.name)),
    kept: databases.map((database) => database.name).filter((other) => isKeptName(name, other)),
    traces,
  };
}

/**
 * Which of the databases that earlier restores kept this restore drops: none if nobody is asked, because each may
 * hold what no backup has.
 */
export function keptToDrop({ kept }: FoundDatabases, target: RestoreTarget): readonly string[] {
  return target.kind === 'swap' && target.unasked === true ? [] : kept;
}

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
  if (!isDropped || !found.exists || found.oid === agreed.oid) return;
  throw new RestoreError({
    doing: `cannot restore ${source.name} in place of database ${found.name}`,
    problem: 'it would be dropped, and is another database than the one that was there a moment ago',
    remedy: 'see what has replaced it, and run again',
  });
}

/** What was there when the restore was agreed to: the database to be replaced, and those kept beside it. */
export type Agreed = Pick<FoundDatabases, 'oid' | 'kept'>;

/** {@link findDatabases} for a target that is to be replaced or added, and who or what would be in the way. */
export async function findTarget(
  admin: pg.Client,
  { kind }: RestoreTarget,
  name: string,
): Promise<FoundTarget> {
  const found = await findDatabases(admin, name);
  const nothing = { foreign: undefined, untouchable: [], signalGrant: '', prepared: [] };
  if (kind === 'into') return { ...found, ...nothing, subscriptions: [], slots: [] };
  try {
    return {
      ...found,
      foreign: await ownedByAnother(admin, name),
      signalGrant: grantRightsOf('pg_signal_backend', await readMemberships(admin)),
      untouchable: await lookUntilGone(() => untouchableRoles(admin, name), PASSING),
      prepared: await lookUntilGone(() => preparedIn(admin, name), PASSING),
      subscriptions: await subscriptionNames(admin, name),
      slots: await slotsOf(admin, name),
    };
  } catch (error) {
    throw databaseError(`cannot look at what uses database ${name}`, error);
  }
}

/** @returns undefined as well for an owner to whom the role may just not give it, which `--no-owner` does not do */
async function ownedByAnother(admin: pg.Client, name: string): Promise<FoundTarget['foreign']> {
  const lack = await lackToReplace(admin, name);
  if (lack === undefined || lack.inherits) return undefined;
  return {
    problem: `it belongs to the role ${JSON.stringify(lack.owner)}, and ${lack.why}`,
    remedy: lack.remedy,
  };
}

async function subscriptionNames(admin: pg.Client, database: string): Promise<string[]> {
  return (await subscriptionsOf(admin, database)).map(({ name }) => name);
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
  { name, exists, foreign, kept, untouchable, signalGrant, prepared, subscriptions }: FoundTarget,
): void {
  const { kind } = target;
  const instead = `cannot restore ${source.name} in place of database ${name}`;
  const quote = pg.escapeIdentifier;
  if (kind === 'into') {
    if (!exists) return;
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
  if (kind === 'swap' && target.unasked === true && exists && kept.length >= MOST_KEPT) {
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
