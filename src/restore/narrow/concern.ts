import { readWords, type WordReader } from '../../dump/read-words.ts';
import { readConstraint, readIndex } from '../../dump/table-additions.ts';
import { qualifiedName } from '../../dump/tokens.ts';

/** What a post-data statement concerns. Names are qualified, as the catalogs hold them. */
export type Concern =
  /**
   * A table. `makes` is the index that the statement creates, if any; `key` is set if that is the index of a primary
   * key, a UNIQUE or an EXCLUDE constraint.
   */
  | { readonly about: 'table'; readonly table: string; readonly makes?: string; readonly key?: true }
  | {
      readonly about: 'foreign-key';
      readonly table: string;
      readonly name: string;
      readonly references: string;
    }
  /** The index of a partition becomes a part of the index of the partitioned table. */
  | { readonly about: 'attach'; readonly whole: string; readonly part: string }
  /** Part of the schema, like what precedes the rows, but dependent on a key. */
  | { readonly about: 'definition' }
  /** Whatever the preceding statement made. */
  | { readonly about: 'before' }
  /** Privileges, which any part of the schema may have. */
  | { readonly about: 'rights' }
  /** Anything else: publications, subscriptions, event triggers, the rows of materialized views. */
  | { readonly about: 'other' };

/** What a statement concerns, in the form in which pg_dump writes it. */
export function concernOf(sql: string): Concern {
  const words = readWords(sql);
  const first = FORMS.find(({ begins }) => words.takes(...begins));
  if (first !== undefined) return first.read(words) ?? { about: 'other' };
  return words.takes('create') || words.takes('alter', 'operator', 'family')
    ? { about: 'definition' }
    : { about: 'other' };
}

interface Form {
  readonly begins: readonly string[];
  /** Reads on after these words; undefined if it does not understand what follows. */
  readonly read: (words: WordReader) => Concern | undefined;
}

const FORMS: readonly Form[] = [
  { begins: ['create', 'index'], read: index },
  { begins: ['create', 'unique', 'index'], read: index },
  { begins: ['alter', 'index'], read: attachment },
  { begins: ['alter', 'table'], read: alteration },
  { begins: ['create', 'trigger'], read: on },
  { begins: ['create', 'constraint', 'trigger'], read: on },
  { begins: ['create', 'policy'], read: on },
  { begins: ['create', 'rule'], read: rule },
  { begins: ['create', 'publication'], read: () => ({ about: 'other' }) },
  { begins: ['create', 'subscription'], read: () => ({ about: 'other' }) },
  { begins: ['create', 'event', 'trigger'], read: () => ({ about: 'other' }) },
  // The table comes last, after expressions that may contain FROM themselves.
  { begins: ['create', 'statistics'], read: (words) => table(words, 'from', 'last') },
  { begins: ['comment', 'on'], read: () => ({ about: 'before' }) },
  { begins: ['security', 'label'], read: () => ({ about: 'before' }) },
  { begins: ['grant'], read: () => ({ about: 'rights' }) },
  { begins: ['revoke'], read: () => ({ about: 'rights' }) },
  { begins: ['alter', 'default', 'privileges'], read: () => ({ about: 'rights' }) },
];

/** `… table` after a keyword */
function table(words: WordReader, keyword: string, which?: 'last'): Concern | undefined {
  const name = words.skipsTo(keyword, which) ? words.name() : undefined;
  return name === undefined ? undefined : { about: 'table', table: name };
}

/** `name … ON table` */
function on(words: WordReader): Concern | undefined {
  return words.identifier() === undefined ? undefined : table(words, 'on');
}

/**
 * `name AS ON event TO table …`; in dumps from before PostgreSQL 10, the rule of this name turns a table into a view.
 */
function rule(words: WordReader): Concern | undefined {
  if (words.takes('"_return"')) return { about: 'definition' };
  return words.skipsTo('on') ? table(words, 'to') : undefined;
}

/** `name ON [ONLY] table …` */
function index(words: WordReader): Concern | undefined {
  const made = readIndex(words);
  return made === undefined ? undefined : withIndex(made.table, made.name);
}

/** An index is in the schema of its table, and has the name of its constraint. */
function withIndex(of: { readonly schema: string; readonly name: string }, name: string) {
  const makes = qualifiedName({ schema: of.schema, name });
  return { about: 'table', table: qualifiedName(of), makes } as const;
}

/** `name ATTACH PARTITION name` */
function attachment(words: WordReader): Concern | undefined {
  const whole = words.name();
  const part = words.takes('attach', 'partition') ? words.name() : undefined;
  return whole === undefined || part === undefined ? undefined : { about: 'attach', whole, part };
}

/** `[IF EXISTS] [ONLY] table ADD CONSTRAINT name …`, or any other alteration of a table */
function alteration(words: WordReader): Concern | undefined {
  words.takes('if', 'exists');
  words.takes('only');
  const path = words.path();
  if (path === undefined) return undefined;
  const altered = qualifiedName(path);
  const added = readConstraint(words);
  switch (added?.kind) {
    case undefined:
      return { about: 'table', table: altered };
    case 'key':
      return { ...withIndex(path, added.name), key: true };
    case 'other':
      return withIndex(path, added.name);
    case 'foreign-key': {
      const { name, references } = added;
      return references === undefined
        ? undefined
        : { about: 'foreign-key', table: altered, name, references };
    }
  }
}
