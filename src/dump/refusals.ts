import { RestoreError } from '../errors.ts';
import { TAKE_ANOTHER } from './faults.ts';
import type { DumpToken } from './tokens.ts';

/**
 * Statements about objects of the whole server, which only pg_dump `--create` and pg_dumpall write; about everything
 * that a role owns; and COPY.
 */
const BEYOND =
  /^(?:(?:CREATE|ALTER|DROP) (?:DATABASE|ROLE|USER(?! MAPPING\b)|GROUP|TABLESPACE)|ALTER SYSTEM|(?:DROP|REASSIGN) OWNED|COPY)\b/;

/** A statement begins with its first byte; most statements, for example INSERT, are ruled out by it. */
const MAY_REACH = /^[acdr/]/i;

/** Only the beginning of a statement shows what it does, so a long one is not searched. */
const SEARCHED = 64 * 1024;

/** White space and comments before, between and after the first words; comments nest (manual §4.1.5). */
const BLANK = /^(?:\s+|--[^\n]*)/;

const WITHOUT_CREATE = 'take a dump without --create';

/**
 * Refuses whatever is never run from a dump: psql's commands other than `\restrict` and `\unrestrict`, because some
 * start programs on this machine (CVE-2025-8714), and statements that reach beyond the database being restored, for
 * example `DROP DATABASE`, which would drop the one in service.
 *
 * @param doing for the error: `cannot restore ./dump.sql`
 * @throws RestoreError that names the command or the statement and its line
 */
export function refuseUnrunnable(token: DumpToken, doing: string): void {
  if (token.type === 'backslash') {
    const { command, line } = token;
    if (command === 'restrict' || command === 'unrestrict') return;
    const connects = command === 'connect' || command === 'c';
    throw refusal(
      doing,
      `line ${line} contains the command \\${command}, which is never run`,
      connects ? WITHOUT_CREATE : TAKE_ANOTHER,
    );
  }
  if (token.type !== 'statement' || !MAY_REACH.test(token.sql.toString('latin1', 0, 1))) return;
  const words = BEYOND.exec(firstWords(token.sql.toString('latin1', 0, SEARCHED)))?.[0];
  if (words === undefined) return;
  // The rows of a dump are separate tokens; any other COPY reads or writes files or programs on the server.
  if (words === 'COPY')
    throw refusal(
      doing,
      `line ${token.line} contains a COPY that reads or writes a file or a program on the server`,
      TAKE_ANOTHER,
    );
  throw refusal(
    doing,
    `line ${token.line} contains ${words}, which reaches beyond the database`,
    WITHOUT_CREATE,
  );
}

/** The first three words of a statement in upper case, without the comments around them. */
function firstWords(sql: string): string {
  const words: string[] = [];
  let rest = sql;
  while (words.length < 3) {
    const blank = BLANK.exec(rest)?.[0].length ?? commentLength(rest);
    if (blank > 0) {
      rest = rest.slice(blank);
      continue;
    }
    const word = /^\w+/.exec(rest)?.[0];
    if (word === undefined) break;
    words.push(word.toUpperCase());
    rest = rest.slice(word.length);
  }
  return words.join(' ');
}

/** Length of the comment that `sql` begins with, including nested ones; 0 if it begins with none. */
function commentLength(sql: string): number {
  if (!sql.startsWith('/*')) return 0;
  let depth = 0;
  for (const { 0: mark, index } of sql.matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return index + mark.length;
  }
  return sql.length;
}

function refusal(doing: string, problem: string, remedy: string): RestoreError {
  return new RestoreError({ doing, problem, remedy });
}
