import { parseCommentLine } from './comment-line.ts';
import type { SectionName } from './dump-index.ts';
import { sectionOf } from './sections.ts';
import type { DumpEntry } from './tokens.ts';

/** What the comments of a dump have said so far. */
export interface CommentReader {
  /** pg_dump's header was seen; a file without it is not a dump. */
  readonly seenHeader: boolean;
  /** The closing line was seen; a dump without it is cut off. */
  readonly complete: boolean;
  readonly serverVersion: string | undefined;
  readonly pgDumpVersion: string | undefined;
  /** The entry that the text belongs to; undefined before the first. */
  readonly entry: DumpEntry | undefined;
  readonly section: SectionName;
  /**
   * Takes a comment line without its line ending.
   *
   * @returns `section` if it opens the next section, `cluster` if it is the header of pg_dumpall
   */
  read(line: string): 'section' | 'cluster' | undefined;
}

/** A reader before the first comment of a dump: in the pre-data section, with no header seen. */
export function createCommentReader(): CommentReader {
  const said: { -readonly [P in keyof CommentReader]: CommentReader[P] } = {
    seenHeader: false,
    complete: false,
    serverVersion: undefined,
    pgDumpVersion: undefined,
    entry: undefined,
    section: 'pre-data',
    read(line) {
      const told = parseCommentLine(line);
      switch (told.kind) {
        case 'cluster-header':
          return 'cluster';
        case 'header':
          said.seenHeader = true;
          // If a file holds two dumps, the last has to be complete too.
          said.complete = false;
          return undefined;
        case 'complete':
          said.complete = true;
          return undefined;
        case 'server-version':
          said.serverVersion ??= told.version;
          return undefined;
        case 'pg-dump-version':
          said.pgDumpVersion ??= told.version;
          return undefined;
        case 'entry': {
          said.entry = told.entry;
          const next = sectionOf(told.entry, said.section);
          if (next === said.section) return undefined;
          said.section = next;
          return 'section';
        }
        case 'other':
          return undefined;
      }
    },
  };
  return said;
}
