import type { DumpTable, SectionName } from '../../dump/dump-index.ts';
import type { Statement } from '../../dump/tokens.ts';

/** Which part of a dump is restored, if not all of it. */
export interface Selection {
  readonly takesRows: (table: DumpTable) => boolean;
  /** Tables whose rows are not even read, if the dump can be read in ranges. */
  readonly unread: ReadonlySet<DumpTable>;
  /** Called for each statement, in the order of the dump, except those that set the session. */
  readonly takes: (statement: Statement, section: SectionName) => Take;
}

/** What is done with a statement: `try` only warns if the server refuses it, because the rest can do without it. */
export type Take = 'run' | 'try' | 'leave';
