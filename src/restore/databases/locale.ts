import type pg from 'pg';
import type { DumpSource } from '../../catalog/dump-source.ts';
import { knownBy } from '../../catalog/manifest.ts';
import { readEncoding } from '../../dump/read-encoding.ts';
import { RestoreError } from '../../errors.ts';
import { asked } from '../../postgres/ask.ts';
import { administer, type Database } from '../../postgres/database.ts';
import { type DatabaseFacts, type DatabaseLocale, readDatabaseFacts } from '../../postgres/facts.ts';
import type { RestoreTarget } from './restore-target.ts';

/**
 * Encodings that no database may have (manual, "Supported Character Sets"): a dump has one only if it was asked for.
 */
const CLIENT_ONLY: readonly string[] = ['BIG5', 'GB18030', 'GBK', 'JOHAB', 'SHIFT_JIS_2004', 'SJIS', 'UHC'];

/**
 * Encodings that the server does not convert to UTF8 (manual, "Built-in Client/Server Character Set Conversions").
 */
const NOT_CONVERTED = /^(?:sql_?ascii|mule_?internal)$/i;

/** The one encoding that can represent the characters of all others. */
const UNIVERSAL = 'UTF8';

/**
 * The encoding and locale of the database that a dump without a manifest is restored into: those of the database it
 * replaces, if that can hold whatever the dump contains, or if the dump does not state an encoding that a database
 * can have. Otherwise it is the dump's encoding.
 */
export function chooseLocale(dumped: string | undefined, facts: DatabaseFacts | undefined): DatabaseLocale {
  if (facts?.encoding === UNIVERSAL && !NOT_CONVERTED.test(dumped ?? '')) return facts;
  return localeOfDump(dumped, facts);
}

/**
 * The encoding that a dump without a manifest is written in, so that nothing is converted. If the dump does not state
 * one, or states one that no database can have, it is that of the existing database of that name.
 */
export function localeOfDump(dumped: string | undefined, facts: DatabaseFacts | undefined): DatabaseLocale {
  const encoding = dumped !== undefined && CLIENT_ONLY.includes(dumped) ? undefined : dumped;
  if (facts !== undefined) {
    if (encoding === undefined || encoding === facts.encoding) return facts;
    if (goesWithAny(facts)) return { ...facts, encoding };
  }
  // The server's own locale may belong to another encoding.
  const locale = encoding === undefined || encoding === UNIVERSAL ? null : 'C';
  return {
    encoding: encoding ?? UNIVERSAL,
    collate: locale,
    ctype: locale,
    provider: null,
    providerLocale: null,
    icuRules: null,
  };
}

/**
 * Makes sure that the server has what a locale is defined by.
 *
 * @throws RestoreError
 */
export function checkLocale(doing: string, locale: DatabaseLocale, serverMajor: number): void {
  const [what, since] = definedBy(locale);
  if (serverMajor >= since) return;
  throw new RestoreError({
    doing,
    problem: `the database has ${what}, which PostgreSQL ${serverMajor} does not know`,
    remedy: `restore it on PostgreSQL ${since} or later; or \`fetch\` the dump and restore that file, which takes a locale of the server`,
  });
}

/** What defines a locale, and the major version that brought it (release notes of 15 to 18). */
function definedBy({ provider, providerLocale, icuRules }: DatabaseLocale): [what: string, since: number] {
  if (provider === 'builtin')
    return [`the builtin locale ${providerLocale}`, providerLocale === 'PG_UNICODE_FAST' ? 18 : 17];
  if (icuRules !== null) return ['an ICU locale with custom rules', 16];
  if (provider === 'icu') return [`the ICU locale ${providerLocale}`, 15];
  return ['a locale of the system', 0];
}

/** Whether the locale is one that a database of any encoding may have. */
function goesWithAny({ collate, ctype, provider }: DatabaseFacts): boolean {
  return (provider ?? 'libc') === 'libc' && [collate, ctype].every((name) => /^(?:C|POSIX)$/.test(name));
}

/**
 * How the restored database's encoding and locale will differ from those of the database it replaces, as far as that
 * is known before the whole dump is read: `SQL_ASCII with the locale C instead of UTF8 with the locale C.utf8`.
 *
 * @returns undefined if they stay the same
 * @throws DumpError if the source does not begin like a dump, DatabaseError, StoreError, or the signal's reason
 */
export async function foreseeLocaleChange(
  database: Database,
  source: DumpSource,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { manifest } = source;
  const dumped =
    manifest === undefined
      ? await readEncoding(source.name, source.read(signal))
      : knownBy(manifest).encoding;
  return administer(database, signal, (admin) =>
    findLocaleChange(admin, name, (facts) => manifest?.database ?? chooseLocale(dumped, facts)),
  );
}

/**
 * How a locale differs from that of a database, in the format of {@link foreseeLocaleChange}.
 *
 * @param admin a connection to the maintenance database
 * @param name of the database, which need not exist
 * @throws DatabaseError
 */
export async function findLocaleChange(
  admin: pg.Client,
  name: string,
  choose: (facts: DatabaseFacts) => DatabaseLocale,
): Promise<string | undefined> {
  const facts = await asked(`cannot look at database ${name}`, readDatabaseFacts(admin, name));
  if (facts === undefined) return undefined;
  const to = choose(facts);
  return isSame(facts, to) ? undefined : `${describeLocale(to)} instead of ${describeLocale(facts)}`;
}

/**
 * How the encoding of texts will change: once converted, they may exceed the limits on index rows and on lengths in
 * bytes.
 *
 * @returns undefined if texts stay as they are
 */
export function describeConversion(
  dumped: string | undefined,
  encoding: string,
  kind: RestoreTarget['kind'],
): string | undefined {
  const spell = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '');
  if (dumped === undefined || spell(dumped) === spell(encoding)) return undefined;
  const instead =
    kind === 'into' || CLIENT_ONLY.includes(dumped) ? '' : '; --into NAME keeps the encoding of the dump';
  return `the dump is in ${dumped} and the restored database in ${encoding}, in which text may take more bytes${instead}`;
}

function isSame(one: DatabaseLocale, other: DatabaseLocale): boolean {
  return (
    one.encoding === other.encoding &&
    identify(one.collate) === identify(other.collate) &&
    identify(one.ctype) === identify(other.ctype) &&
    (one.provider ?? 'libc') === (other.provider ?? 'libc') &&
    one.providerLocale === other.providerLocale &&
    one.icuRules === other.icuRules
  );
}

/** Systems differ in how they spell a locale's encoding: `C.UTF-8`, `C.utf8`. */
function identify(name: string | null): string | undefined {
  return name?.toLowerCase().replaceAll('-', '');
}

/** `UTF8 with the locale C.utf8` */
function describeLocale(locale: DatabaseLocale): string {
  const { encoding, collate, ctype, provider, providerLocale, icuRules } = locale;
  if (collate === null) return `${encoding} with the server’s own locale`;
  const ofSystem = collate === ctype ? collate : `${collate} (LC_CTYPE ${ctype})`;
  const ofProvider = providerLocale === null ? '' : `, by ${provider} ${providerLocale}`;
  const rules = icuRules === null ? '' : ' with custom rules';
  return `${encoding} with the locale ${ofSystem}${ofProvider}${rules}`;
}
