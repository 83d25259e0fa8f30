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
  let seenHeader = false;
  let complete = false;
  let serverVersion: string | undefined;
  let pgDumpVersion: string | undefined;
  let entry: DumpEntry | undefined;
  let section: SectionName = 'pre-data';

  return {
    get seenHeader() {
      return seenHeader;
    },
    get complete() {
      return complete;
    },
    get serverVersion() {
      return serverVersion;
    },
    get pgDumpVersion() {
      return pgDumpVersion;
    },
    get entry() {
      return entry;
    },
    get section() {
      return section;
    },
    read(line) {
      const told = parseCommentLine(line);
      switch (told.kind) {
        case 'cluster-header':
          return 'cluster';
        case 'header':
          seenHeader = true;
          // If a file holds two dumps, the last has to be complete too.
          complete = false;
          return undefined;
        case 'complete':
          complete = true;
          return undefined;
        case 'server-version':
          serverVersion ??= told.version;
          return undefined;
        case 'pg-dump-version':
          pgDumpVersion ??= told.version;
          return undefined;
        case 'entry': {
          entry = told.entry;
          const next = sectionOf(entry, section);
          if (next === section) return undefined;
          section = next;
          return 'section';
        }
        case 'other':
          return undefined;
      }
    },
  };
}
