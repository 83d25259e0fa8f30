import type { SectionName } from './dump-index.ts';

/** The comment `-- Name: …; Type: …; Schema: …; Owner: …` that precedes each of pg_dump's entries. */
export interface DumpEntry {
  readonly name: string;
  /** As pg_dump writes it: `TABLE`, `TABLE DATA`, `FK CONSTRAINT`, `ACL`, … */
  readonly type: string;
  /** `-` if the entry has none. */
  readonly schema: string;
  /** Empty if the entry has none. */
  readonly owner: string;
}

/** The position of a token: for messages, and for the index. */
export interface DumpPosition {
  /** Byte offset of the token's first byte in the uncompressed dump. */
  readonly offset: number;
  /** 1-based line of the token's first byte. */
  readonly line: number;
  /** The entry it belongs to; undefined before the first entry. */
  readonly entry: DumpEntry | undefined;
}

/** The table and the columns that a COPY statement names, unquoted. */
export interface CopyTarget {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
}

/** `public.manager_surface`; the bare name if a dump from before PostgreSQL 10.3 gives no schema. */
export function qualifiedName({ schema, name }: Pick<CopyTarget, 'schema' | 'name'>): string {
  return schema === '' ? name : `${schema}.${name}`;
}

/** A name as in the comments of a dump, in which pg_dump writes a line break within a name as a space. */
export function nameInEntry(name: string): string {
  return name.replace(/[\r\n]/g, ' ');
}

/** `sql` holds the statement's exact bytes, in the dump's own encoding, with the closing semicolon. */
export interface Statement extends DumpPosition {
  readonly type: 'statement';
  readonly sql: Buffer;
}

/** A `COPY … FROM stdin;` statement. `offset` is that of the first row. */
export interface CopyStart extends CopyTarget, DumpPosition {
  readonly type: 'copy-start';
  readonly sql: Buffer;
}

/** A backslash command outside COPY data: `restrict`, `connect`, `!` … `argument` is the rest of its line. */
interface BackslashCommand extends DumpPosition {
  readonly type: 'backslash';
  readonly command: string;
  readonly argument: string;
}

/**
 * What a plain dump consists of, in order.
 *
 * Every byte of the dump is in exactly one `text` or `copy-rows` token; the others say what those bytes mean and come
 * after the text they were read from. Buffers are views that are valid until the next chunk is pushed.
 */
export type DumpToken =
  /** Bytes that are not rows: statements, comments, blank lines. */
  | { readonly type: 'text'; readonly data: Buffer }
  /** The text that follows belongs to this section. */
  | { readonly type: 'section'; readonly name: SectionName; readonly offset: number }
  | Statement
  | CopyStart
  /**
   * Row bytes without the closing `\\.`; split anywhere, even inside a row. `lines` counts the line feeds in them.
   */
  | { readonly type: 'copy-rows'; readonly data: Buffer; readonly lines: number }
  | { readonly type: 'copy-end'; readonly rows: number; readonly bytes: number }
  | BackslashCommand;
