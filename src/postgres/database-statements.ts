import pg from 'pg';
import type { CreationOptions, DatabaseFacts, DatabaseSetting } from './facts.ts';

const quote = pg.escapeIdentifier;

/** Settings whose value is a list of quoted names (GUC_LIST_QUOTE); each name is passed separately. */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/**
 * Settings that would keep a database from being filled, at all or by the connecting role, or would end a connection
 * that waits for the others.
 */
const IN_THE_WAY = new Set([
  'default_transaction_read_only',
  'event_triggers',
  'idle_session_timeout',
  'role',
  'session_replication_role',
  'transaction_timeout',
]);

/**
 * `CREATE DATABASE name` with its own encoding, locale and tablespace.
 *
 * @param serverMajor major version of the server that is to run it
 */
export function creationStatement(name: string, options: CreationOptions, serverMajor: number): string {
  const { encoding, collate, ctype, provider, providerLocale, icuRules, tablespace } = options;
  const words = [`CREATE DATABASE ${quote(name)} TEMPLATE template0 ENCODING ${pg.escapeLiteral(encoding)}`];
  const add = (option: string, value: string | null) => {
    if (value !== null) words.push(`${option} ${pg.escapeLiteral(value)}`);
  };
  add('LC_COLLATE', collate);
  add('LC_CTYPE', ctype);
  if (provider === null || provider === 'libc') {
    // Since PostgreSQL 15 the provider is template0's unless it is given, and that may be another one.
    if (collate !== null && serverMajor >= 15) words.push('LOCALE_PROVIDER libc');
  } else {
    words.push(`LOCALE_PROVIDER ${provider}`);
    add(provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE', providerLocale);
    add('ICU_RULES', icuRules);
  }
  if (tablespace !== null) words.push(`TABLESPACE ${quote(tablespace)}`);
  return words.join(' ');
}

/** The statement that makes a database accept connections again. */
export function openAgain(database: string): string {
  return `ALTER DATABASE ${quote(database)} ALLOW_CONNECTIONS true;`;
}

/** The statement that renames a database. */
export function renameStatement(from: string, to: string): string {
  return `ALTER DATABASE ${quote(from)} RENAME TO ${quote(to)};`;
}

/** The statement for people to drop a database with; one that is gone by then is an error worth seeing. */
export function dropByHand(database: string): string {
  return `DROP DATABASE ${quote(database)};`;
}

/** Properties of a database other than owner and privileges. */
type Traits = Pick<DatabaseFacts, 'settings' | 'connectionLimit' | 'template' | 'comment'>;

/** Statements that give a database its settings and other properties. */
export interface TraitStatements {
  /**
   * To run before the database is filled, like those of `pg_dump --create`: what rows mean, and whether a check
   * accepts them, may depend on settings (`lc_monetary`, an application's own).
   */
  readonly before: readonly string[];
  /** To run once it is filled. */
  readonly after: readonly string[];
}

/** The statements that give database `name` the settings, connection limit, template flag and comment in `facts`. */
export function traitStatements(
  name: string,
  { settings, connectionLimit, template, comment }: Traits,
): TraitStatements {
  const hinders = ({ name: setting }: DatabaseSetting) => IN_THE_WAY.has(setting.toLowerCase());
  const statementsOf = (chosen: readonly DatabaseSetting[]) =>
    chosen.map((setting) => settingStatement(name, setting));
  const after = statementsOf(settings.filter(hinders));
  if (connectionLimit !== -1) after.push(`ALTER DATABASE ${quote(name)} CONNECTION LIMIT ${connectionLimit}`);
  if (template) after.push(`ALTER DATABASE ${quote(name)} IS_TEMPLATE true`);
  if (comment !== null) after.push(`COMMENT ON DATABASE ${quote(name)} IS ${pg.escapeLiteral(comment)}`);
  return { before: statementsOf(settings.filter((setting) => !hinders(setting))), after };
}

function settingStatement(name: string, { role, name: setting, value }: DatabaseSetting): string {
  const subject =
    role === null ? `ALTER DATABASE ${quote(name)}` : `ALTER ROLE ${quote(role)} IN DATABASE ${quote(name)}`;
  const values = LISTS.has(setting.toLowerCase()) ? splitList(value) : [value];
  const parameter = setting.split('.').map(quote).join('.');
  return `${subject} SET ${parameter} TO ${values.map(pg.escapeLiteral).join(', ')}`;
}

/** Statements that give a database its owner and privileges. */
export interface OwnershipStatements {
  /**
   * To run before the database is filled: its owner may create tables in schema `public` (role `pg_database_owner`),
   * and to own a schema or a publication takes the right to create in the database (manual, ALTER PUBLICATION).
   */
  readonly before: readonly string[];
  /** To run once it is filled: what is taken away might be needed until then. */
  readonly after: readonly string[];
}

/** The statements that give database `name` the owner and privileges in `facts`. */
export function ownershipStatements(name: string, { owner, acl }: DatabaseFacts): OwnershipStatements {
  const on = `DATABASE ${quote(name)}`;
  const grants = (acl ?? []).map(({ grantee, privilege, grantable }) => {
    const to = grantee === 'PUBLIC' ? 'PUBLIC' : quote(grantee);
    return `GRANT ${privilege} ON ${on} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`;
  });
  const revoke = `REVOKE ALL ON ${on} FROM PUBLIC, ${quote(owner)}`;
  return {
    before: [`ALTER ${on} OWNER TO ${quote(owner)}`, ...grants],
    after: acl === null ? [] : [revoke, ...grants],
  };
}

/** Splits `"$user", public` into its names. */
function splitList(value: string): string[] {
  const names = value.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? [];
  if (names.length === 0) return [''];
  return names.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name));
}

/** What remains of `facts` without roles: settings then apply to everyone. */
export function withoutRoles(facts: DatabaseFacts): Traits {
  return { ...facts, settings: facts.settings.filter(({ role }) => role === null) };
}

/** The roles that the statements name. */
export function databaseRoles(facts: DatabaseFacts): string[] {
  const grantees = (facts.acl ?? []).map(({ grantee }) => grantee).filter((grantee) => grantee !== 'PUBLIC');
  const settings = facts.settings.map(({ role }) => role).filter((role) => role !== null);
  return [...new Set([facts.owner, ...grantees, ...settings])];
}
