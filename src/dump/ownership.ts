import { isIdentifier, sqlWords, unquote } from './sql-words.ts';
import { type DecodeText, textDecoder } from './text-decoder.ts';

/** Keywords that appear in place of a role; in quotes they are roles (manual, GRANT). */
const KEYWORDS = new Set(['current_user', 'current_role', 'session_user', 'default', 'none']);

/** Means everyone, in quotes too: no role can have this name (manual, CREATE ROLE). */
const EVERYONE = 'public';

/** What a statement does with roles. All but `policy` and `mapping` give them objects or privileges. */
type Kind = 'owner' | 'grant' | 'default-privileges' | 'authorization' | 'policy' | 'mapping';

/** First words of the statements that name roles; `ALTER … OWNER TO` is recognized by its end instead. */
const BEGINNINGS: readonly [words: string, kind: Kind][] = [
  ['grant', 'grant'],
  ['revoke', 'grant'],
  ['alter default privileges', 'default-privileges'],
  ['set session authorization', 'authorization'],
  ['create policy', 'policy'],
  ['alter policy', 'policy'],
  ['create user mapping', 'mapping'],
];
const BEGINS = /^\s*(?:alter|create|grant|revoke|set)\s/i;

/** Maximum length of a statement about roles, in bytes. */
const LONGEST = 64 * 1024;

/** Whether a statement sets an owner or privileges; `--no-owner` skips those. */
export function isOwnership(sql: Buffer): boolean {
  const kind = read(sql, textDecoder('LATIN1'))?.kind;
  return kind !== undefined && kind !== 'policy' && kind !== 'mapping';
}

/** The roles that a statement names, unquoted, without `public`. */
export function rolesOf(sql: Buffer, decode: DecodeText = textDecoder(undefined)): readonly string[] {
  const found = read(sql, decode);
  if (found === undefined) return [];
  const { words } = found;
  switch (found.kind) {
    case 'owner':
      return names(words.slice(-1));
    case 'authorization':
      return names(words.slice(3, 4));
    case 'grant':
      return grantees(words);
    case 'default-privileges':
      return distinct([
        ...listAfter(words, ['for', 'role']),
        ...listAfter(words, ['for', 'user']),
        ...grantees(words),
      ]);
    case 'policy':
      return listAfter(words, ['to']);
    case 'mapping':
      return listAfter(words, ['for']);
  }
}

/** A statement's words without the semicolon, if it is about roles. */
function read(sql: Buffer, decode: DecodeText): { kind: Kind; words: readonly string[] } | undefined {
  if (sql.length > LONGEST || !BEGINS.test(sql.toString('latin1', 0, 16))) return undefined;
  const words = sqlWords(decode(sql)).slice(0, -1);
  const beginning = words.slice(0, 3).join(' ').toLowerCase();
  const kind = BEGINNINGS.find(([first]) => beginning === first || beginning.startsWith(`${first} `))?.[1];
  if (kind !== undefined) return { kind, words };
  const end = words.slice(-3, -1).join(' ').toLowerCase();
  return beginning.startsWith('alter ') && end === 'owner to' ? { kind: 'owner', words } : undefined;
}

function grantees(words: readonly string[]): string[] {
  const rights = words.findIndex((word) => /^(?:grant|revoke)$/i.test(word));
  const rest = words.slice(rights);
  const list = listAfter(rest, [/^revoke$/i.test(rest[0] ?? '') ? 'from' : 'to']);
  return distinct([...list, ...listAfter(rest, ['granted', 'by'])]);
}

/** The roles in the list after the first occurrence of these keywords outside all parentheses. */
function listAfter(words: readonly string[], keywords: readonly string[]): string[] {
  let depth = 0;
  const at = words.findIndex((word, index) => {
    if (word === '(') depth += 1;
    if (word === ')') depth -= 1;
    return depth === 0 && keywords.every((keyword, step) => words[index + step]?.toLowerCase() === keyword);
  });
  if (at < 0) return [];
  let next = at + keywords.length;
  // Dumps from before PostgreSQL 8.1 distinguish groups from users.
  if (words[next]?.toLowerCase() === 'group' && isIdentifier(words[next + 1])) next += 1;
  const list: string[] = [];
  for (let word = words[next]; isIdentifier(word); word = words[next]) {
    list.push(word);
    if (words[next + 1] !== ',') break;
    next += 2;
  }
  return names(list);
}

function names(words: readonly string[]): string[] {
  const roles = words.flatMap((word) => {
    if (word.startsWith("'")) return [word.slice(1, -1).replaceAll("''", "'")];
    const name = unquote(word);
    return name === EVERYONE || (KEYWORDS.has(name) && !word.startsWith('"')) ? [] : [name];
  });
  return distinct(roles);
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
