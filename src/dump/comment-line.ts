import type { DumpEntry } from './tokens.ts';

/** What a comment line of pg_dump says. */
type CommentLine =
  | { readonly kind: 'header' }
  | { readonly kind: 'cluster-header' }
  | { readonly kind: 'complete' }
  | { readonly kind: 'server-version'; readonly version: string }
  | { readonly kind: 'pg-dump-version'; readonly version: string }
  | { readonly kind: 'entry'; readonly entry: DumpEntry }
  | { readonly kind: 'other' };

const ENTRY =
  /^-- (?:(?:Data|Statistics) for )?Name: (.*); Type: ([^;]*); Schema: (.*); Owner: (.*?)(?:; Tablespace: .*)?$/;
const SERVER = '-- Dumped from database version ';
const PG_DUMP = '-- Dumped by pg_dump version ';

/** @param line without its line ending */
export function parseCommentLine(line: string): CommentLine {
  if (line === '-- PostgreSQL database dump') return { kind: 'header' };
  if (line === '-- PostgreSQL database cluster dump') return { kind: 'cluster-header' };
  if (line === '-- PostgreSQL database dump complete') return { kind: 'complete' };
  if (line.startsWith(SERVER)) return { kind: 'server-version', version: line.slice(SERVER.length) };
  if (line.startsWith(PG_DUMP)) return { kind: 'pg-dump-version', version: line.slice(PG_DUMP.length) };
  const match = ENTRY.exec(line);
  if (match === null) return { kind: 'other' };
  const [, name = '', type = '', schema = '', owner = ''] = match;
  return { kind: 'entry', entry: { name, type, schema, owner } };
}
