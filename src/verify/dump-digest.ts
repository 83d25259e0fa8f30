import { createHash } from 'node:crypto';
import type { DumpIndex } from '../dump/dump-index.ts';
import { createScanner } from '../dump/scanner.ts';
import { isLargeObject } from '../dump/sections.ts';
import {
  type CopyStart,
  type DumpEntry,
  type DumpToken,
  nameInEntry,
  qualifiedName,
} from '../dump/tokens.ts';
import { normalSpelling } from './normal-spelling.ts';
import { isInitialGrant, isRevokedFromAll, isRightsOfPublic } from './rights-of-public.ts';

const NEWLINE = 0x0a;

/** The name of the one entry for all large objects. */
export const LARGE_OBJECTS = 'large objects';

/** The text of one of pg_dump's entries: its comment and its statements. */
export interface EntryDigest {
  /** `TABLE public.manager_surface` */
  readonly name: string;
  readonly sha256: string;
}

/** The rows of one table. */
export interface TableDigest {
  readonly rows: number;
  /** One per block; there is a single one unless the rows are those of partitions or of several dumps. */
  readonly sha256: readonly string[];
  /**
   * The partitions whose rows pg_dump has written as rows of this table: those of a table that is hash-partitioned by
   * an enum, because no two databases partition it alike, and of any table with `--load-via-partition-root`.
   */
  readonly partitions: ReadonlySet<string>;
}

/** The contents of a dump, without whatever differs between two dumps of the same database. */
export interface DumpDigest {
  readonly index: DumpIndex;
  readonly entries: readonly EntryDigest[];
  readonly tables: ReadonlyMap<string, TableDigest>;
}

/** Reads a plain dump once, in chunks of any size. */
export interface Digester {
  /** @throws DumpError if the bytes cannot be a plain dump */
  push(chunk: Buffer): void;
  /** @throws DumpError if the dump ends early */
  end(): DumpDigest;
}

/**
 * Comments before the first entry and after the last statement contain versions and times, and `\restrict` has a new
 * key in each dump. These are not part of the digest, nor are blank lines between statements; every other byte is,
 * except that a statement that has a {@link normalSpelling} is digested in that, with what the comment before it says,
 * and so are {@link isRightsOfPublic the rights on the schema `public`} without the grant that a reload leaves out.
 *
 * @param name what the dump is called in errors
 */
export function createDigester(name: string): Digester {
  const scanner = createScanner(name);
  const entries: EntryDigest[] = [];
  const blocks: BlockNames[] = [];
  let text = createText();
  /** The line `\.` comes next, which only marks the end of the rows. */
  let rowsEnded = false;
  let current: { readonly entry: DumpEntry | undefined; readonly name: string } | undefined;
  let unit = createHash('sha256');
  /** The entry that has taken rights on the schema `public` from everybody: what it gives them then is no initial grant. */
  let closed: DumpEntry | undefined;

  function closeUnit(): void {
    if (current !== undefined) entries.push({ name: current.name, sha256: unit.digest('hex') });
    unit = createHash('sha256');
  }

  /** Adds what was read since the previous statement to the statement's entry. */
  function count(entry: DumpEntry | undefined, sql: Buffer): void {
    const ofPublic = isRightsOfPublic(entry, scanner.serverVersion());
    if (ofPublic && isRevokedFromAll(sql)) closed = entry;
    if (ofPublic && closed !== entry && isInitialGrant(sql)) {
      text = createText();
      return;
    }
    const spelled = ofPublic ? sql.toString('latin1') : normalSpelling(sql);
    const instead = entry === undefined ? (spelled ?? sql) : spelled && JSON.stringify([entry, spelled]);
    const read = instead === undefined ? text.digest() : createHash('sha256').update(instead).digest();
    text = createText();
    const label = nameOf(entry);
    if (current === undefined || (current.entry !== entry && !isOfMany(current.name, label))) {
      closeUnit();
      current = { entry, name: label };
    }
    unit.update(read);
  }

  function note(token: DumpToken): void {
    switch (token.type) {
      case 'text':
        if (!rowsEnded) text.add(token.data);
        rowsEnded = false;
        return;
      case 'statement':
        count(token.entry, token.sql);
        return;
      case 'copy-start':
        blocks.push(namesOf(token));
        count(token.entry, token.sql);
        return;
      case 'backslash':
        text = createText();
        return;
      case 'copy-end':
        rowsEnded = true;
        return;
      case 'section':
      case 'copy-rows':
        return;
    }
  }

  return {
    push(chunk) {
      for (const token of scanner.push(chunk)) note(token);
    },
    end() {
      for (const token of scanner.end()) note(token);
      closeUnit();
      const index = scanner.finish();
      return { index, entries, tables: tablesOf(index, blocks) };
    },
  };
}

/** A statement and what precedes it, without the line feeds at the beginning. */
function createText(): { add(bytes: Buffer): void; digest(): Buffer } {
  const hash = createHash('sha256');
  let begun = false;
  return {
    add(bytes) {
      let at = 0;
      while (!begun && at < bytes.length && bytes[at] === NEWLINE) at += 1;
      begun ||= at < bytes.length;
      hash.update(bytes.subarray(at));
    },
    digest: () => hash.digest(),
  };
}

function nameOf(entry: DumpEntry | undefined): string {
  if (entry === undefined) return 'the settings at the beginning';
  // There may be millions of them.
  if (isLargeObject(entry)) return LARGE_OBJECTS;
  return entry.schema === '-' ? `${entry.type} ${entry.name}` : `${entry.type} ${entry.schema}.${entry.name}`;
}

/** The name of the entry with the rows of a table, by the table's name. */
export function dataEntry(table: string): string {
  return `TABLE DATA ${nameInEntry(table)}`;
}

/** Whether both belong to the large objects, which form one unit. */
function isOfMany(name: string, other: string): boolean {
  return name === other && name === LARGE_OBJECTS;
}

interface BlockNames {
  readonly table: string;
  /** The table in whose entry the COPY is. */
  readonly of: string;
}

function namesOf({ schema, name, entry }: CopyStart): BlockNames {
  const target = { schema: schema || entry?.schema || 'public', name };
  const table = qualifiedName(target);
  const own = entry?.type !== 'TABLE DATA' || qualifiedName(entry) === nameInEntry(table);
  return { table, of: own ? table : qualifiedName(entry) };
}

function tablesOf(index: DumpIndex, blocks: readonly BlockNames[]): Map<string, TableDigest> {
  const tables = new Map<string, TableDigest>();
  for (const [at, { table, of }] of blocks.entries()) {
    const { rows = 0, sha256 = '' } = index.tables[at] ?? {};
    const known = tables.get(table) ?? { rows: 0, sha256: [], partitions: new Set() };
    tables.set(table, {
      rows: known.rows + rows,
      sha256: [...known.sha256, sha256],
      partitions: of === table ? known.partitions : new Set([...known.partitions, of]),
    });
  }
  return tables;
}
