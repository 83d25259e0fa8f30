/** The three parts of a plain dump, in order (pg_dump manual, `--section`). */
export type SectionName = 'pre-data' | 'data' | 'post-data';

/**
 * One section of a dump. Sections are contiguous and cover the dump from byte 0 to its end; an empty one has 0 bytes.
 * `sha256` (hex) covers the bytes of the section that belong to no table, so every byte of the dump is covered by
 * exactly one hash.
 */
export interface DumpSection {
  readonly name: SectionName;
  /** Byte offset of the section in the uncompressed dump. */
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * A place between two rows of a long COPY block, from which the block can be read; the last one is the block's end.
 */
export interface DumpCheckpoint {
  /** Byte offset, in the uncompressed dump, of the row that begins here. */
  readonly offset: number;
  /** Rows of the block before it. */
  readonly rows: number;
  /**
   * CRC-32 of the block's rows before it. A CRC-32 can be continued from its value, so the bytes between two
   * checkpoints can be checked without those before them.
   */
  readonly crc32: number;
}

/** The rows of one COPY block. A table that is dumped in several blocks has several entries. */
export interface DumpTable {
  readonly schema: string;
  readonly name: string;
  /** Column names in the order of the COPY statement, unquoted; empty for a table without columns. */
  readonly columns: readonly string[];
  readonly rows: number;
  /** Byte offset of the first row in the uncompressed dump. */
  readonly offset: number;
  /** Bytes of all rows with their line endings, without the line `\.`. */
  readonly bytes: number;
  /** Hex SHA-256 of exactly those bytes. */
  readonly sha256: string;
  /** About every 16 MiB, and at the end; none for a block that is too short to be read in pieces. */
  readonly checkpoints: readonly DumpCheckpoint[];
}

/** The rows of several blocks, and their bytes, in total. */
export function totalOf(blocks: Iterable<Pick<DumpTable, 'rows' | 'bytes'>>): {
  readonly rows: number;
  readonly bytes: number;
} {
  const total = { rows: 0, bytes: 0 };
  for (const { rows, bytes } of blocks) {
    total.rows += rows;
    total.bytes += bytes;
  }
  return total;
}

/** What one pass over a plain dump learns about it. */
export interface DumpIndex {
  /** Size of the uncompressed dump in bytes. */
  readonly bytes: number;
  readonly sections: readonly DumpSection[];
  readonly tables: readonly DumpTable[];
  /** Roles that the dump's statements name (owners, grantees, policies), unquoted, sorted; never `public`. */
  readonly roles: readonly string[];
  /** Roles named only by statements that `--no-owner` skips: a subset of `roles`. */
  readonly ownerRoles: readonly string[];
  /** From the header, `Dumped from database version`: `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly serverVersion: string | undefined;
  /** From the header, `Dumped by pg_dump version`. */
  readonly pgDumpVersion: string | undefined;
  /** The dump's `SET client_encoding`: `UTF8`, `LATIN1`, `SQL_ASCII`. */
  readonly encoding: string | undefined;
}

/** What is known of a dump without reading it again, from an earlier pass over it or from its manifest. */
export type KnownDump = Pick<
  DumpIndex,
  'bytes' | 'sections' | 'tables' | 'roles' | 'ownerRoles' | 'serverVersion' | 'encoding'
>;

/** The major part of a server's or program's version: 15 of `15.18 (Debian 15.18-0+deb12u1)`, 9 of `9.6.24`. */
export function majorOf(version: string | undefined): number | undefined {
  return version === undefined ? undefined : Number.parseInt(version, 10);
}
