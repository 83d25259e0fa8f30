import type pg from 'pg';
import { raiseMemory } from '../postgres/raise-memory.ts';
import { findRelations, type Relation } from '../postgres/relations.ts';
import { type Matched, matchSources, sourceTables } from './match-sources.ts';
import { type ReferenceSource, TOPOBANK_SOURCES } from './reference-sources.ts';
import { LABEL_TABLES } from './row-labels.ts';

/** What a database has of the tables that own objects. */
interface Inspected {
  readonly matched: Matched;
  /** Those tables, and the ones that labels come from. */
  readonly relations: ReadonlyMap<string, Relation>;
  /** In which it holds the keys. */
  readonly serverEncoding: string;
}

/** @throws ConfigError as {@link matchSources} */
export async function inspectDatabase(
  client: pg.Client,
  ownSources: readonly ReferenceSource[],
): Promise<Inspected> {
  const tables = new Set([...sourceTables(TOPOBANK_SOURCES), ...sourceTables(ownSources), ...LABEL_TABLES]);
  const relations = await findRelations(client, [...tables]);
  const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
  return {
    matched: matchSources(ownSources, relations),
    relations,
    serverEncoding: rows[0]?.server_encoding ?? '',
  };
}

/**
 * Has a connection see every row, and its bytes as they are. Rows that row-level security hides would make orphans of
 * what they own, so the server is to refuse instead (manual, "row_security"). A database without an encoding may hold
 * bytes that are no UTF-8, and refuses to send them as such.
 */
export async function readAllRows(client: pg.Client, serverEncoding: string): Promise<void> {
  await client.query('SET row_security = off');
  if (serverEncoding === 'SQL_ASCII') await client.query(`SET client_encoding = 'SQL_ASCII'`);
}

/** What a sort of rows may take of the server's memory before it goes to its disk, at least: some half a million. */
const SORT_KIB = 64 * 1024;

/** Gives the sorts of a connection room where the server's `work_mem` is less: its default of 4 MB is soon used up. */
export async function sortInMemory(client: pg.Client): Promise<void> {
  await raiseMemory(client, 'work_mem', SORT_KIB);
}
