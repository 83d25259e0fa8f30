import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import { errorCode } from '../../postgres/errors.ts';
import { quoteTable } from '../../postgres/relations.ts';
import { SQLSTATE } from '../../postgres/sqlstate.ts';
import { refuseStandby } from '../../postgres/standby.ts';
import { inspectDatabase } from '../sources/inspect-database.ts';
import { assertSources, type MatchedSource } from '../sources/match-sources.ts';
import type { ReferenceSource } from '../sources/reference-sources.ts';
import { keyExpression, ownsSomething } from './reference-query.ts';
import { seeAllRows } from './reference-session.ts';

/** Returns those of the given bucket keys that rows own now. */
export type FindOwned = (keys: readonly string[]) => Promise<ReadonlySet<string>>;

/**
 * Creates a function that looks keys up among the rows of a database, by each of its sources.
 *
 * @param client a connection that is not in a transaction
 * @throws ConfigError if no row is known to own any object, or rows that may own some cannot be read or may not have
 * arrived yet
 */
export async function ownedKeyFinder(
  client: pg.Client,
  ownSources: readonly ReferenceSource[],
  mediaPrefix: string,
): Promise<FindOwned> {
  await refuseOldRows(client);
  const { matched, serverEncoding } = await inspectDatabase(client, ownSources);
  assertSources(matched, 'database');
  const [unread] = matched.unread;
  if (unread !== undefined) throw unreadRows(unread);
  await seeAllRows(client, serverEncoding);
  const ask = async (source: MatchedSource, keys: readonly string[]): Promise<string[]> => {
    const key = keyExpression(source, mediaPrefix);
    const { rows } = await client.query<{ key: string }>(
      `SELECT DISTINCT ${key} AS key FROM ${quoteTable(source.relation)}
       WHERE ${ownsSomething(source)} AND ${key} = ANY ($1::text[])`,
      [keys],
    );
    return rows.map((row) => row.key);
  };
  return async (keys) => {
    const owned = new Set<string>();
    for (const source of matched.sources) {
      const wanted = source.owned.kind === 'key' ? keys : prefixesOf(keys, source.owned.pattern);
      const found = await askEach((some) => ask(source, some), wanted);
      if (source.owned.kind === 'key') for (const key of found) owned.add(key);
      else for (const key of keys) if (found.some((prefix) => key.startsWith(prefix))) owned.add(key);
    }
    return owned;
  };
}

/**
 * Makes sure that the server has the newest rows, and that its locks keep others out.
 *
 * @throws ConfigError if it is a standby
 */
export function refuseOldRows(client: pg.Client): Promise<void> {
  return refuseStandby(client, 'cannot determine which objects no row owns');
}

/** The error for rows that may own some of the objects that seem to be orphans. */
export function unreadRows(problem: string): ConfigError {
  return new ConfigError({
    doing: 'cannot determine which objects no row owns',
    problem,
    remedy:
      'make it readable, or rename it if its rows own nothing; a table that is meant in AUDIT_REFERENCES can be given there with its schema',
  });
}

/** No row owns a key that the database cannot represent; such a key must not keep the others from being looked up. */
async function askEach(
  ask: (keys: readonly string[]) => Promise<string[]>,
  keys: readonly string[],
): Promise<string[]> {
  try {
    return await ask(keys);
  } catch (error) {
    if (errorCode(error) !== SQLSTATE.untranslatableCharacter) throw error;
    if (keys.length <= 1) return [];
    const middle = keys.length >> 1;
    return [...(await askEach(ask, keys.slice(0, middle))), ...(await askEach(ask, keys.slice(middle)))];
  }
}

/** Every prefix of one of these keys that a row could own by this pattern. */
function prefixesOf(keys: readonly string[], pattern: string): string[] {
  const end = pattern.at(-1) === '}' ? undefined : pattern.at(-1);
  const prefixes = new Set<string>();
  for (const key of keys) {
    for (let at = 1; at <= key.length; at++) {
      if (end === undefined || key[at - 1] === end) prefixes.add(key.slice(0, at));
    }
  }
  return [...prefixes];
}
