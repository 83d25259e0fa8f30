import type { DumpIndex, DumpTable, SectionName } from '../../dump/dump-index.ts';
import type { ReadRange } from '../../dump/read-text.ts';
import type { Statement } from '../../dump/tokens.ts';

/** A dump of which it is known where its rows lie. */
export interface WideDump {
  /** What one pass over the dump has found, or its manifest says. */
  readonly index: Pick<DumpIndex, 'bytes' | 'tables' | 'encoding'>;
  /** Undefined for a dump that has to be unpacked from its beginning. */
  readonly readRange: ReadRange | undefined;
  readonly read: (signal: AbortSignal) => AsyncIterable<Buffer>;
}

/** What of a dump is restored, where it is not all. */
export interface Selection {
  readonly takesRows: (table: DumpTable) => boolean;
  /** Tables whose rows are not even read, where the dump has ranges. */
  readonly unread: ReadonlySet<DumpTable>;
  /** Asked of each statement, in the order of the dump, but of those that set the session. */
  readonly takes: (statement: Statement, section: SectionName) => Take;
}

/** What is done with a statement: `try` warns where the server refuses it, for the rest does without. */
export type Take = 'run' | 'try' | 'leave';
