/** The comment `-- Name: …; Type: …; Schema: …; Owner: …` that precedes each of pg_dump's entries. */
export interface DumpEntry {
  readonly name: string;
  /** As pg_dump writes it: `TABLE`, `TABLE DATA`, `FK CONSTRAINT`, `ACL`, … */
  readonly type: string;
  /** `-` where the entry has none. */
  readonly schema: string;
  /** Empty where the entry has none. */
  readonly owner: string;
}

/** Where a token stands: for messages, and for the index. */
export interface DumpPosition {
  /** Byte offset of the token's first byte in the uncompressed dump. */
  readonly offset: number;
  /** 1-based line of the token's first byte. */
  readonly line: number;
  /** The entry it belongs to; undefined before the first entry. */
  readonly entry: DumpEntry | undefined;
}

/**
 * What a plain dump consists of, in order. `sql` holds the statement's very bytes, in the dump's own encoding, with
 * the closing semicolon. `copy-rows` carries row bytes without the closing `\.`; it is cut anywhere, also inside a
 * row, and is a view into the chunk that was pushed.
 */
export type DumpToken =
  | ({ readonly type: 'statement'; readonly sql: Buffer } & DumpPosition)
  | ({
      readonly type: 'copy-start';
      readonly sql: Buffer;
      readonly schema: string;
      readonly name: string;
      readonly columns: readonly string[];
    } & DumpPosition)
  | { readonly type: 'copy-rows'; readonly data: Buffer }
  | { readonly type: 'copy-end'; readonly rows: number; readonly bytes: number }
  /** A backslash command outside COPY data: `restrict`, `connect`, `!` … `argument` is the rest of its line. */
  | ({ readonly type: 'backslash'; readonly command: string; readonly argument: string } & DumpPosition);
