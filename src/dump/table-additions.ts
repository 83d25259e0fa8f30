import type { WordReader } from './read-words.ts';

/** An index that a statement makes, and the table that it is on. */
export interface IndexMade {
  readonly name: string;
  readonly table: { readonly schema: string; readonly name: string };
}

/** A constraint that a statement adds to a table; `key` is PRIMARY KEY, UNIQUE or EXCLUDE, which make an index. */
export type ConstraintAdded =
  | { readonly kind: 'key' | 'other'; readonly name: string }
  | {
      readonly kind: 'foreign-key';
      readonly name: string;
      /** The qualified name of the other table; undefined if it cannot be read. */
      readonly references: string | undefined;
    };

/** Reads `name ON [ONLY] table`, which follows CREATE [UNIQUE] INDEX. */
export function readIndex(words: WordReader): IndexMade | undefined {
  const name = words.identifier();
  if (name === undefined || !words.takes('on')) return undefined;
  words.takes('only');
  const table = words.path();
  return table === undefined ? undefined : { name, table };
}

/** Reads `ADD CONSTRAINT name …`, which follows the name of the table; undefined if something else comes next. */
export function readConstraint(words: WordReader): ConstraintAdded | undefined {
  const name = words.takes('add', 'constraint') ? words.identifier() : undefined;
  if (name === undefined) return undefined;
  if (words.takes('primary', 'key') || words.takes('unique') || words.takes('exclude'))
    return { kind: 'key', name };
  if (!words.takes('foreign', 'key')) return { kind: 'other', name };
  const references = words.list() && words.takes('references') ? words.name() : undefined;
  return { kind: 'foreign-key', name, references };
}
