import { unquote } from './copy-statement.ts';

const ROLE = String.raw`("(?:[^"]|"")*"|[^\s",;()]+)`;

/** Statements that give objects to roles; `--no-owner` skips them. */
const OWNERSHIP = new RegExp(
  String.raw`^(?:ALTER\s.*\sOWNER\s+TO\s+${ROLE};$|GRANT\s|REVOKE\s|ALTER\s+DEFAULT\s+PRIVILEGES\s|SET\s+SESSION\s+AUTHORIZATION\s)`,
  'is',
);

/** Statements that name roles without giving them anything. */
const NAMING = /^(?:CREATE\s+POLICY\s|CREATE\s+USER\s+MAPPING\s|ALTER\s+POLICY\s)/i;

/** Names that stand for a role and are none (manual, GRANT). */
const NO_ROLES = new Set(['public', 'current_user', 'current_role', 'session_user', 'default']);

/** Only the ends of a statement name roles, so a long one is not searched in between. */
const SEARCHED = 64 * 1024;

/** Whether a statement sets an owner or rights. */
export function isOwnership(sql: Buffer): boolean {
  return OWNERSHIP.test(headOf(sql));
}

/** The roles that a statement names, unquoted, without `public`. */
export function rolesOf(sql: Buffer): readonly string[] {
  const head = headOf(sql);
  if (!OWNERSHIP.test(head) && !NAMING.test(head)) return [];
  const roles = new Set<string>();
  const add = (identifier: string | undefined) => {
    if (identifier === undefined) return;
    const role = identifier.startsWith("'") ? identifier.slice(1, -1) : unquote(identifier);
    if (!NO_ROLES.has(role) || identifier.startsWith('"')) roles.add(role);
  };
  const rest = head.replace(/;\s*$/, '');
  if (/^ALTER\s+DEFAULT\s/i.test(rest)) {
    add(new RegExp(String.raw`\sFOR\s+(?:ROLE|USER)\s+${ROLE}`, 'i').exec(rest)?.[1]);
  }
  if (/^ALTER\s/i.test(rest)) add(new RegExp(String.raw`\sOWNER\s+TO\s+${ROLE}$`, 'i').exec(rest)?.[1]);
  if (/^SET\s/i.test(rest))
    add(new RegExp(String.raw`\sAUTHORIZATION\s+(?:'[^']*'|${ROLE})$`, 'i').exec(rest)?.[1]);
  if (/^CREATE\s+USER/i.test(rest)) {
    add(new RegExp(String.raw`\sFOR\s+${ROLE}\s+SERVER\s`, 'i').exec(rest)?.[1]);
  }
  if (/^(?:GRANT|REVOKE|ALTER\s+DEFAULT)\s/i.test(rest)) {
    add(
      new RegExp(
        String.raw`\s(?:TO|FROM)\s+${ROLE}(?:\s+WITH\s+GRANT\s+OPTION)?(?:\s+GRANTED\s+BY\s+\S+)?$`,
        'i',
      ).exec(rest)?.[1],
    );
    add(new RegExp(String.raw`\sGRANTED\s+BY\s+${ROLE}$`, 'i').exec(rest)?.[1]);
  }
  if (/^(?:CREATE|ALTER)\s+POLICY\s/i.test(rest)) {
    const list = new RegExp(
      String.raw`\sTO\s+(${ROLE}(?:\s*,\s*${ROLE})*)(?:\s+(?:USING|WITH)\s|$)`,
      'i',
    ).exec(rest)?.[1];
    for (const match of (list ?? '').matchAll(new RegExp(ROLE, 'g'))) add(match[1]);
  }
  return [...roles];
}

function headOf(sql: Buffer): string {
  return sql.toString('utf8', 0, SEARCHED);
}
