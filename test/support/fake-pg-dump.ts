import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/** Shell for a dump's beginning, and for `bytes` of rows of its one table. */
export const FAKE_HEADER = `printf -- '--\\n-- PostgreSQL database dump\\n--\\n\\nCREATE TABLE t (a text);\\nCOPY t (a) FROM stdin;\\n'`;
export const fakeRows = (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' x`;
export const FAKE_END = `printf '\\n\\\\.\\n\\n--\\n-- PostgreSQL database dump complete\\n--\\n'`;

/**
 * Makes a directory for PG_BINDIR whose pg_dump is a shell script.
 *
 * @param script what it does when it is to dump; `$0` is its path, `$@` what it was given
 * @param version what it answers to --version; by default one of the server's own major, which is taken before any other
 */
export function fakePgDump(
  directory: string,
  name: string,
  script: string,
  version = `${inject('postgresMajor')}.99`,
): string {
  const binDir = join(directory, name);
  mkdirSync(binDir);
  const path = join(binDir, 'pg_dump');
  const answer = `case "$1" in --version) echo 'pg_dump (PostgreSQL) ${version}'; exit 0;; esac`;
  writeFileSync(path, `#!/bin/sh\n${answer}\n${script}\n`);
  chmodSync(path, 0o755);
  return binDir;
}
