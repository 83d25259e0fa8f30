import type pg from 'pg';
import { oneRow } from '../../postgres/ask.ts';
import { findRelations, type Relations } from '../../postgres/relations.ts';
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
  const shown = await oneRow<{ server_encoding: string }>(client, 'SHOW server_encoding');
  return {
    matched: matchSources(ownSources, relations),
    relations,
    serverEncoding: shown.server_encoding,
  };
}
