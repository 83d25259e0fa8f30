import { readWords, type WordReader } from '../../dump/read-words.ts';
import type { DecodeText } from '../../dump/text-decoder.ts';
import type { DumpEntry } from '../../dump/tokens.ts';

/**
 * How strongly a statement locks a table (manual §13.3). Statements that only read it, like CREATE INDEX, may run
 * beside each other; one that alters it runs alone.
 */
export type TableUse = 'reads' | 'alters';

/** The tables that a statement locks, by their qualified names. */
export type TableUses = ReadonlyMap<string, TableUse>;

/** What is needed to determine which tables a statement locks. */
export interface TableKnowledge {
  readonly decode: DecodeText;
  /** Tables whose changes propagate to others: those that have partitions. */
  readonly partitioned: ReadonlySet<string>;
}

/**
 * The tables locked by a statement that builds an index or checks a foreign key. Undefined for a statement that has
 * to run alone: any other kind, and any doubtful case.
 */
export function usesOf(sql: Buffer, { decode, partitioned }: TableKnowledge): TableUses | undefined {
  const words = readWords(decode(sql));
  if (words.takes('create', 'unique', 'index') || words.takes('create', 'index')) return usesOfIndex(words);
  // Without ONLY, the statement also affects partitions and descendants.
  if (words.takes('alter', 'table', 'only')) return usesOfConstraint(words, partitioned);
  return undefined;
}

/** `… name ON [ONLY] table` */
function usesOfIndex(words: WordReader): TableUses | undefined {
  if (words.identifier() === undefined || !words.takes('on')) return undefined;
  words.takes('only');
  const table = words.name();
  return table === undefined ? undefined : new Map([[table, 'reads']]);
}

/** `… table ADD CONSTRAINT name …` */
function usesOfConstraint(words: WordReader, partitioned: ReadonlySet<string>): TableUses | undefined {
  const table = words.name();
  if (table === undefined || !words.takes('add', 'constraint') || words.identifier() === undefined) {
    return undefined;
  }
  if (words.takes('primary', 'key') || words.takes('unique') || words.takes('exclude')) {
    return new Map([[table, 'alters']]);
  }
  if (!words.takes('foreign', 'key') || !words.list() || !words.takes('references')) return undefined;
  const other = words.name();
  if (other === undefined || partitioned.has(table) || partitioned.has(other)) return undefined;
  return new Map([
    [table, 'alters'],
    [other, 'alters'],
  ]);
}

/** The partitioned table that a statement creates, by its qualified name. */
export function partitionedTable(sql: Buffer, decode: DecodeText): string | undefined {
  if (!/^create\s/i.test(sql.toString('latin1', 0, 7)) || !sql.includes('PARTITION BY')) return undefined;
  const words = readWords(decode(sql));
  const creates = words.takes('create', 'table') || words.takes('create', 'unlogged', 'table');
  return creates ? words.name() : undefined;
}

/**
 * Whether `comment` is the comment on the index or the constraint that `on` makes; it is then run right after it.
 * pg_dump names the comment `INDEX i` or `CONSTRAINT c ON t`, and the constraint `t c`.
 */
export function isCommentOn(comment: DumpEntry | undefined, on: DumpEntry | undefined): boolean {
  if (comment?.type !== 'COMMENT' || on === undefined || comment.schema !== on.schema) return false;
  const bare = (name: string) => name.replaceAll('"', '');
  const name = bare(comment.name);
  if (on.type === 'INDEX') return name === `INDEX ${bare(on.name)}`;
  const [, constraint, table] = /^CONSTRAINT (.*) ON (.*)$/.exec(name) ?? [];
  return constraint !== undefined && bare(on.name) === `${table} ${constraint}`;
}
