import type pg from 'pg';
import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import { createScanner, drain } from '../dump/scanner.ts';
import { DumpError, RestoreError } from '../errors.ts';
import {
  type DatabaseLocale,
  databaseRoles,
  listDatabases,
  missingRoles,
} from '../postgres/administration.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import { type DatabaseFacts, readDatabaseFacts } from '../postgres/facts.ts';
import type { Progress, StartProgress } from '../ui/progress.ts';
import { isKeptName } from './names.ts';
import type { RestoreSource } from './source.ts';

/** What of a dump has to be known before anything is created. */
export interface DumpNeeds {
  readonly roles: readonly string[];
  readonly ownerRoles: readonly string[];
  readonly encoding: string | undefined;
}

/** What is known before anything is created. */
export interface RestorePlan {
  /** Whether the target database exists. */
  readonly exists: boolean;
  /** Old databases that earlier restores have kept. */
  readonly kept: readonly string[];
  readonly locale: DatabaseLocale;
  /** What the new database is given beyond the dump's text; undefined with `--no-owner` or where nothing is known. */
  readonly facts: DatabaseFacts | undefined;
}

/**
 * Reads the dump once without using it: a foreign dump, to learn what it needs; any dump, before a database is
 * dropped for it.
 *
 * @throws DumpError when it is not whole or not what its manifest says
 */
export async function proveDump(
  source: RestoreSource,
  startProgress: StartProgress,
  signal: AbortSignal,
): Promise<DumpNeeds> {
  const scanner = createScanner(source.name);
  const progress: Progress = startProgress('check', source.bytes);
  try {
    for await (const chunk of source.read(signal)) {
      drain(scanner.push(chunk));
      progress.add(chunk.length);
    }
    drain(scanner.end());
  } finally {
    progress.stop();
  }
  const index = scanner.finish();
  const fault = source.manifest === undefined ? undefined : compareIndex(source.manifest, index)[0];
  if (fault === undefined) return index;
  throw new DumpError({
    doing: `cannot restore ${source.name}`,
    problem: `its bytes are not those of its manifest: ${describeFault(fault)}`,
    remedy: 'use another backup',
  });
}

/**
 * Looks at the server: does the target exist, does every role exist, which locale will the new database have.
 *
 * @throws RestoreError for a role that is missing, with the remedy
 */
export async function planRestore(
  admin: pg.Client,
  database: Database,
  source: RestoreSource,
  needs: DumpNeeds,
  options: { readonly target: string; readonly noOwner: boolean; readonly signal: AbortSignal },
): Promise<RestorePlan> {
  const doing = `cannot restore ${source.name}`;
  try {
    const databases = await listDatabases(admin);
    const exists = databases.includes(options.target);
    const present = exists
      ? await database.use(options.target, options.signal, (client) => readDatabaseFacts(client))
      : undefined;
    const facts = source.manifest?.database ?? present;
    const givenFacts = options.noOwner ? undefined : facts;
    const roles = new Set(givenFacts === undefined ? [] : databaseRoles(givenFacts));
    for (const role of needs.roles) {
      if (!options.noOwner || !needs.ownerRoles.includes(role)) roles.add(role);
    }
    const missing = await missingRoles(admin, [...roles]);
    if (missing.length > 0) throw rolesMissing(doing, missing, options.noOwner);
    return {
      exists,
      kept: databases.filter((name) => isKeptName(options.target, name)),
      locale: chooseLocale(needs.encoding, facts),
      facts: givenFacts,
    };
  } catch (error) {
    throw databaseError(doing, error);
  }
}

function rolesMissing(doing: string, missing: readonly string[], noOwner: boolean): RestoreError {
  const names = missing.map((role) => JSON.stringify(role)).join(', ');
  return new RestoreError({
    doing,
    problem: `the dump names ${missing.length === 1 ? 'a role' : 'roles'} that this server does not have: ${names}`,
    remedy: noOwner
      ? 'create it with CREATE ROLE; policies name it, which --no-owner does not leave out'
      : 'create it with CREATE ROLE, or give --no-owner to leave out owners and grants',
  });
}

/** The dumped database's own locale; for a dump that does not tell, that of the database it replaces. */
function chooseLocale(encoding: string | undefined, facts: DatabaseFacts | undefined): DatabaseLocale {
  if (facts !== undefined && (encoding === undefined || encoding === facts.encoding)) {
    return { encoding: facts.encoding, collate: facts.collate, ctype: facts.ctype };
  }
  // The server's own locale may belong to another encoding; C goes with every one.
  const fits = encoding === undefined || encoding === 'UTF8';
  return { encoding: encoding ?? 'UTF8', collate: fits ? undefined : 'C', ctype: fits ? undefined : 'C' };
}
