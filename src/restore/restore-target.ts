import pg from 'pg';
import { listDatabases } from '../postgres/administration.ts';
import { openAgain } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { isKeptName, isScratchName } from './names.ts';

/** Where the restored database goes. */
export type RestoreTarget =
  /** In the place of the target database, which is kept under another name or dropped after the swap. */
  | { readonly kind: 'swap'; readonly dropOld: boolean }
  /** In the place of the target database, which is dropped first: for those without room for two. */
  | { readonly kind: 'in-place' }
  /** Beside it, under a name that is free; `only` names the tables whose rows are wanted, where it is not all. */
  | { readonly kind: 'into'; readonly name: string; readonly only?: readonly string[] };

/** What there is on the server of the target's name, and beside it of earlier restores. */
export interface FoundDatabases {
  readonly name: string;
  readonly exists: boolean;
  /** Whether the role may rename it, and drop it; false where it does not exist. */
  readonly owned: boolean;
  /** Old databases that earlier restores have kept. */
  readonly kept: readonly string[];
  /** What restores that were killed have left. */
  readonly traces: readonly RestoreTrace[];
}

export interface RestoreTrace {
  readonly problem: string;
  /** The statement to run. */
  readonly remedy: string;
}

/** @param admin a connection to the maintenance database */
export async function findDatabases(admin: pg.Client, name: string): Promise<FoundDatabases> {
  const databases = await listDatabases(admin).catch((error: unknown) => {
    throw databaseError('cannot list the databases of the server', error);
  });
  const present = databases.find((database) => database.name === name);
  const traces: RestoreTrace[] = databases
    .filter((database) => isScratchName(name, database.name))
    .map((database) => ({
      problem: `database ${database.name} is of a restore that was killed, or that runs now`,
      remedy: `if none runs: DROP DATABASE ${pg.escapeIdentifier(database.name)};`,
    }));
  if (present?.connectable === false) {
    traces.push({
      problem: `database ${name} refuses connections, as after a restore that was killed in the middle of the swap`,
      remedy: `to have it serve again: ${openAgain(name)}`,
    });
  }
  return {
    name,
    exists: present !== undefined,
    owned: present?.owned === true,
    kept: databases.map((database) => database.name).filter((other) => isKeptName(name, other)),
    traces,
  };
}
