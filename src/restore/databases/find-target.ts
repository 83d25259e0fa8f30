import type pg from 'pg';
import { lookUntilGone } from '../../look-until-gone.ts';
import { listDatabases } from '../../postgres/administration.ts';
import { asked } from '../../postgres/ask.ts';
import { dropByHand, openAgain } from '../../postgres/database-statements.ts';
import { databaseError } from '../../postgres/errors.ts';
import { type Followers, followersOf } from '../../postgres/followers.ts';
import { lackToReplace } from '../../postgres/owner-lack.ts';
import { type PreparedTransaction, preparedIn } from '../../postgres/prepared-transactions.ts';
import { grantRightsOf, readMemberships, untouchableRoles } from '../../postgres/roles.ts';
import { refuseStandby } from '../../postgres/standby.ts';
import { subscriptionsOf } from '../../postgres/subscriptions.ts';
import { isKeptName, isScratchName } from './database-names.ts';
import type { RestoreTarget } from './restore-target.ts';

/** How long to wait for obstacles that may pass by themselves, like the sessions of a monitor. */
const PASSING = { mostMs: 3000, pauseMs: 300 };

/** A database that is there. */
interface PresentDatabase {
  /** `pg_database.oid` */
  readonly oid: number;
  /** Whether a drop of it was cut off, so that nothing else can be done with it. */
  readonly invalid: boolean;
}

/** What the server has under the target's name, and what earlier restores have left beside it. */
export interface FoundDatabases {
  readonly name: string;
  /** The database of that name; undefined if there is none. */
  readonly present: PresentDatabase | undefined;
  /** The names of all databases of the server. */
  readonly taken: ReadonlySet<string>;
  /** Old databases that earlier restores have kept. */
  readonly kept: readonly string[];
  /** What restores that were killed left behind. */
  readonly traces: readonly RestoreTrace[];
}

/** What is known of a database that a restore is to replace or add. */
export interface FoundTarget extends FoundDatabases {
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
  readonly followers: Followers;
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
      const drop = dropByHand(database.name);
      if (present !== undefined) {
        return {
          problem: `database ${database.name} belongs to a restore that failed, was killed or is still running`,
          remedy: `if none is running and nothing in it is needed, run: ${drop}`,
        };
      }
      // A database dropped for --in-place leaves nothing else behind.
      return {
        problem: `there is no database ${name}, and ${database.name} holds what a restore has filled that failed, was killed or is still running`,
        remedy: `if none is running, restore ${name} again, and then run: ${drop}`,
      };
    });
  if (present?.invalid) {
    traces.push({
      problem: `dropping database ${name} was cut off, and nothing can be done with what is left of it`,
      remedy: `restore it, which drops that first; or run: ${dropByHand(name)}`,
    });
  } else if (present?.connectable === false) {
    traces.push({
      problem: `database ${name} refuses connections, as after a restore that was killed during the swap`,
      remedy: `to let it accept connections again, run: ${openAgain(name)}`,
    });
  }
  return {
    name,
    present,
    taken: new Set(databases.map((database) => database.name)),
    kept: databases.map((database) => database.name).filter((other) => isKeptName(name, other)),
    traces,
  };
}

/**
 * {@link findDatabases} for a target that is to be replaced or added, and who or what would be in the way.
 *
 * @throws ConfigError if the server is a standby, DatabaseError
 */
export async function findTarget(
  admin: pg.Client,
  { kind }: RestoreTarget,
  name: string,
): Promise<FoundTarget> {
  const doing = `cannot restore database ${name}`;
  await asked(doing, refuseStandby(admin, doing));
  const found = await findDatabases(admin, name);
  const nothing = { foreign: undefined, untouchable: [], signalGrant: '', prepared: [] };
  if (kind === 'into')
    return { ...found, ...nothing, subscriptions: [], followers: { slots: [], standbys: [] } };
  try {
    return {
      ...found,
      foreign: await ownedByAnother(admin, name),
      signalGrant: grantRightsOf('pg_signal_backend', await readMemberships(admin)),
      untouchable: await lookUntilGone(() => untouchableRoles(admin, name), PASSING),
      prepared: await lookUntilGone(() => preparedIn(admin, name), PASSING),
      subscriptions: (await subscriptionsOf(admin, name)).map((subscription) => subscription.name),
      followers: await followersOf(admin, name),
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
