import type pg from 'pg';
import type { DumpSource } from '../catalog/dump-source.ts';
import type { KnownDump } from '../dump/dump-index.ts';
import { RestoreError } from '../errors.ts';
import {
  databaseRoles,
  type OwnershipStatements,
  ownershipStatements,
  type TraitStatements,
  traitStatements,
  withoutRoles,
} from '../postgres/database-statements.ts';
import { databaseError } from '../postgres/errors.ts';
import {
  type CreationOptions,
  type DatabaseFacts,
  readDatabaseFacts,
  readServerVersion,
} from '../postgres/facts.ts';
import { lackToGiveTo, type OwnerLack } from '../postgres/owner-lack.ts';
import { mayCreateIn, missingRoles } from '../postgres/roles.ts';
import type { Logger } from '../ui/log.ts';
import { checkLocale, chooseLocale, localeOfDump } from './databases/locale.ts';

/** What is decided before anything is created. */
export interface RestorePlan {
  /** The database's final name, even if it is filled under another. */
  readonly name: string;
  readonly creation: CreationOptions;
  /** Statements that give the scratch database the properties that the dump's text omits. */
  readonly traits: TraitStatements;
  readonly ownership: OwnershipStatements;
  /** What keeps a drill, which goes on all the same, from giving its database to the owner of the one dumped. */
  readonly lack: OwnerLack | undefined;
}

const NOTHING = { before: [], after: [] } as const;

/**
 * Checks that every role exists, and decides the locale and tablespace of the new database. If the server does not
 * have the tablespace of the dumped database, the new one is created in the default tablespace, with a warning.
 *
 * @param admin a connection to the maintenance database
 * @throws RestoreError, with the remedy, for a role that is missing or that the database cannot be given to
 */
export async function planRestore(
  admin: pg.Client,
  source: DumpSource,
  dump: Pick<KnownDump, 'roles' | 'ownerRoles' | 'encoding'>,
  options: {
    readonly name: string;
    readonly scratch: string;
    readonly noOwner: boolean;
    /** Owners and privileges are part of what is compared, so `--no-owner` cannot be suggested. */
    readonly ownersRequired?: boolean;
    readonly log: Logger;
  },
): Promise<RestorePlan> {
  const { name, scratch, noOwner, ownersRequired = false } = options;
  const doing = `cannot restore ${source.name}`;
  try {
    const recorded = source.manifest?.database ?? undefined;
    const facts = recorded ?? (await readDatabaseFacts(admin, name));
    const missing = await missingRoles(admin, rolesNeeded(dump, facts, noOwner));
    if (missing.length > 0) {
      const remedy = noOwner ? neededWithoutOwners : orLeaveThemOut;
      throw rolesMissing(doing, missing, ownersRequired ? () => '' : remedy);
    }
    const lack = noOwner || facts === undefined ? undefined : await lackToGiveTo(admin, facts.owner);
    // A drill drops its database, whoever it belongs to.
    if (lack !== undefined && !ownersRequired) throw mayNotGive(doing, lack);
    // A drill compares its second dump byte for byte, and a conversion there and back might not preserve the bytes.
    const localeFor = ownersRequired ? localeOfDump : chooseLocale;
    const locale = recorded ?? localeFor(dump.encoding, facts);
    checkLocale(doing, locale, (await readServerVersion(admin)).major);
    const creation = {
      ...locale,
      tablespace: await chooseTablespace(admin, facts?.tablespace ?? null, options.log),
    };
    if (facts === undefined) return { name, creation, traits: NOTHING, ownership: NOTHING, lack };
    return {
      name,
      creation,
      traits: traitStatements(scratch, noOwner ? withoutRoles(facts) : facts),
      ownership: noOwner || lack !== undefined ? NOTHING : ownershipStatements(scratch, facts),
      lack,
    };
  } catch (error) {
    throw databaseError(doing, error);
  }
}

function rolesNeeded(
  { roles, ownerRoles }: Pick<KnownDump, 'roles' | 'ownerRoles'>,
  facts: DatabaseFacts | undefined,
  noOwner: boolean,
): string[] {
  if (noOwner) return roles.filter((role) => !ownerRoles.includes(role));
  return [...new Set([...(facts === undefined ? [] : databaseRoles(facts)), ...roles])];
}

const neededWithoutOwners = (them: string) =>
  `; policies or user mappings name ${them}, and --no-owner does not omit those`;
const orLeaveThemOut = () => ', or give --no-owner to omit owners and grants';

/** @param orElse what to add about `it` or `them` after the statement that creates what is missing */
function rolesMissing(
  doing: string,
  missing: readonly string[],
  orElse: (them: string) => string,
): RestoreError {
  const names = missing.map((role) => JSON.stringify(role)).join(', ');
  const [roles, them] = missing.length === 1 ? ['a role', 'it'] : ['roles', 'them'];
  return new RestoreError({
    doing,
    problem: `it names ${roles} that this server does not have: ${names}`,
    remedy: `create ${them} with CREATE ROLE${orElse(them)}`,
  });
}

function mayNotGive(doing: string, { owner, why, grant }: OwnerLack): RestoreError {
  return new RestoreError({
    doing,
    problem: `its database belongs to the role ${JSON.stringify(owner)}, but ${why}`,
    remedy: grant === undefined ? 'give --no-owner, or restore as that role' : `${grant}, or give --no-owner`,
  });
}

async function chooseTablespace(
  admin: pg.Client,
  wanted: string | null,
  log: Logger,
): Promise<string | null> {
  if (wanted === null) return null;
  const may = await mayCreateIn(admin, wanted);
  if (may === true) return wanted;
  const problem = may === undefined ? 'this server does not have' : 'this role may not create databases in';
  log.warn(
    `the dumped database was in tablespace ${JSON.stringify(wanted)}, which ${problem}: the restored one is in the default tablespace`,
  );
  return null;
}
