import { readWords, type WordReader } from '../../dump/read-words.ts';
import { readConstraint, readIndex } from '../../dump/table-additions.ts';
import type { DecodeText } from '../../dump/text-decoder.ts';
import { type DumpEntry, qualifiedName } from '../../dump/tokens.ts';

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
  if (words.takes('create', 'unique', 'index') || words.takes('create', 'index')) {
    const index = readIndex(words);
    return index && new Map([[qualifiedName(index.table), 'reads']]);
  }
  // Without ONLY, the statement also affects partitions and descendants.
  if (words.takes('alter', 'table', 'only')) return usesOfConstraint(words, partitioned);
  return undefined;
}

/** `… table ADD CONSTRAINT name …` */
function usesOfConstraint(words: WordReader, partitioned: ReadonlySet<string>): TableUses | undefined {
  const table = words.name();
  if (table === undefined) return undefined;
  const added = readConstraint(words);
  if (added?.kind === 'key') return new Map([[table, 'alters']]);
  if (added?.kind !== 'foreign-key') return undefined;
  const { references } = added;
  if (references === undefined || partitioned.has(table) || partitioned.has(references)) return undefined;
  return new Map([
    [table, 'alters'],
    [references, 'alters'],
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
