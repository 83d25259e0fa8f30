import { RestoreError } from '../errors.ts';
import { TAKE_ANOTHER } from './dump-errors.ts';
import type { DumpToken } from './tokens.ts';

/**
 * Statements about objects of the whole server, which only pg_dump `--create` and pg_dumpall write; about everything
 * that a role owns; and COPY. What grants privileges on such objects is recognized by {@link grantBeyond}. A comment on
 * a database is none of them: pg_dump before version 11 writes one without `--create` too.
 */
const BEYOND =
  /^(?:(?:CREATE|ALTER|DROP) (?:DATABASE|ROLE|USER(?! MAPPING\b)|GROUP|TABLESPACE)|COMMENT ON (?:ROLE|TABLESPACE)|ALTER SYSTEM|(?:DROP|REASSIGN) OWNED|COPY)\b/;

/** A statement begins with its first byte; most statements, for example INSERT, are ruled out by it. */
const MAY_REACH = /^[acdgr/]/i;

/** What privileges may be granted on that belongs to the whole server (manual, GRANT). */
const OF_SERVER = new Set(['DATABASE', 'TABLESPACE', 'PARAMETER']);

/** Only the beginning of a statement shows what it does, so a long one is not searched. */
const SEARCHED = 64 * 1024;

/** White space and comments before, between and after the first words; comments nest (manual §4.1.5). */
const BLANK = /^(?:\s+|--[^\n]*)/;

const WITHOUT_CREATE = 'take a dump without --create';
const WITHOUT_STATEMENT = 'take a dump without --create, or remove that statement';

/**
 * Refuses whatever is never run from a dump: psql's commands other than `\restrict` and `\unrestrict`, because some
 * start programs on this machine (CVE-2025-8714), and statements that reach beyond the database being restored, for
 * example `DROP DATABASE`, which would drop the one in service, or `REVOKE CONNECT ON DATABASE`.
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
  const sql = token.sql.toString('latin1', 0, SEARCHED);
  const words = BEYOND.exec(firstWords(sql))?.[0] ?? grantBeyond(sql);
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
    /^(?:GRANT|REVOKE|COMMENT)/.test(words) ? WITHOUT_STATEMENT : WITHOUT_CREATE,
  );
}

/** The first three words of a statement in upper case, without the comments around them. */
function firstWords(sql: string): string {
  const words: string[] = [];
  for (const word of wordsOf(sql)) {
    if (words.length === 3 || !/^\w/.test(word)) break;
    words.push(word);
  }
  return words.join(' ');
}

/** What a statement grants or revokes on an object of the whole server, or of membership in a role; if it does. */
function grantBeyond(sql: string): string | undefined {
  const words = wordsOf(sql);
  const { value: kind } = words.next();
  if (kind !== 'GRANT' && kind !== 'REVOKE') return undefined;
  for (const word of words) {
    if (word === 'ON') {
      const { value: on = '' } = words.next();
      return OF_SERVER.has(on) ? `${kind} … ON ${on}` : undefined;
    }
    if (word === 'TO' || word === 'FROM') return `${kind} of a role`;
  }
  return undefined;
}

/** The words in upper case, quoted identifiers as they are, and other characters, without the comments among them. */
function* wordsOf(sql: string): Generator<string, undefined> {
  for (let rest = sql; rest !== ''; ) {
    const blank = BLANK.exec(rest)?.[0].length ?? commentLength(rest);
    const word = blank > 0 ? undefined : (/^(?:\w+|"[^"]*")/.exec(rest)?.[0] ?? rest.charAt(0));
    if (word !== undefined) yield word.startsWith('"') ? word : word.toUpperCase();
    rest = rest.slice(word?.length ?? blank);
  }
  return undefined;
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
