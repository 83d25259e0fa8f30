import type { DumpToken } from '../dump/tokens.ts';
import { RestoreError } from '../errors.ts';

/** Objects of the whole server, which pg_dump writes only with `--create`, and pg_dumpall. */
const CLUSTER =
  /^(?:(?:CREATE|ALTER|DROP)\s+(?:DATABASE|ROLE|USER(?!\s+MAPPING\b)|GROUP|TABLESPACE)|ALTER\s+SYSTEM)\b/i;

const TAKE_ANOTHER = 'take another dump; this one is not as pg_dump wrote it';
const WITHOUT_CREATE = 'take a dump without --create';

/**
 * Stops at what is never run of a dump: psql's commands other than `\restrict` and `\unrestrict`, of which some start
 * programs on this machine (CVE-2025-8714), and statements that reach beyond the database that is restored, as
 * `DROP DATABASE` does, which would drop the one that serves.
 *
 * @param name of the dump, for the error
 * @throws RestoreError that names the command or the statement and its line
 */
export function refuseForeign(token: DumpToken, name: string): void {
  if (token.type === 'backslash') {
    const { command, line } = token;
    if (command === 'restrict' || command === 'unrestrict') return;
    const connects = command === 'connect' || command === 'c';
    throw refusal(
      name,
      `line ${line} holds the command \\${command}, which is never run`,
      connects ? WITHOUT_CREATE : TAKE_ANOTHER,
    );
  }
  if (token.type !== 'statement') return;
  const words = CLUSTER.exec(token.sql.toString('latin1', 0, 40))?.[0];
  if (words === undefined) return;
  throw refusal(
    name,
    `line ${token.line} holds ${words.replace(/\s+/g, ' ').toUpperCase()}, which reaches beyond the database`,
    WITHOUT_CREATE,
  );
}

function refusal(name: string, problem: string, remedy: string): RestoreError {
  return new RestoreError({ doing: `cannot restore ${name}`, problem, remedy });
}
