import type pg from 'pg';
import { raiseMemory } from '../postgres/raise-memory.ts';
import { findRelations, type Relations } from '../postgres/relations.ts';
import { type Matched, matchSources, sourceTables } from './match-sources.ts';
import { type ReferenceSource, TOPOBANK_SOURCES } from './reference-sources.ts';
import { LABEL_TABLES } from './row-labels.ts';

/** What a database has of the tables that own objects. */
interface Inspected {
  readonly matched: Matched;
  /** Those tables, and the ones that labels come from. */
  readonly relations: Relations;
  /** The encoding in which the database stores the keys. */
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
 * Makes a connection see every row, and its bytes unchanged. If row-level security hid rows, their objects would look
 * like orphans, so the server must refuse instead (manual, "row_security"). A database without an encoding
 * (SQL_ASCII) may hold bytes that are not UTF-8, and would refuse to send them as such.
 */
export async function readAllRows(client: pg.Client, serverEncoding: string): Promise<void> {
  await client.query('SET row_security = off');
  if (serverEncoding === 'SQL_ASCII') await client.query(`SET client_encoding = 'SQL_ASCII'`);
}

/**
 * Server memory that a sort may use before it spills to disk, at least, in KiB: enough for about half a million rows.
 */
const SORT_KIB = 64 * 1024;

/** Raises the `work_mem` of a connection if it is lower: the default of 4 MB is soon used up. */
export async function sortInMemory(client: pg.Client): Promise<void> {
  await raiseMemory(client, 'work_mem', SORT_KIB);
}
