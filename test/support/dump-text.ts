import type { DumpSource } from '../../src/catalog/dump-source.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';

/** A plain dump as pg_dump frames it, with these statements; the first of them stands in line 10. */
export function dumpText(body: string, { complete = true, server = '15.18' } = {}): string {
  return `--
-- PostgreSQL database dump
--

-- Dumped from database version ${server}
-- Dumped by pg_dump version 15.18

SET client_encoding = 'UTF8';

${body}
${complete ? '--\n-- PostgreSQL database dump complete\n--\n' : ''}`;
}

/** The comment that pg_dump puts before each entry. */
export function entry(type: string, name: string, schema = 'public'): string {
  return `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: -\n--\n`;
}

/** A dump in memory, handed out in chunks of `chunkBytes`. */
export function textSource(
  text: string | Buffer,
  options: { readonly name?: string; readonly manifest?: Manifest; readonly chunkBytes?: number } = {},
): DumpSource {
  const bytes = Buffer.from(text);
  const { name = './dump.sql', manifest, chunkBytes = 64 * 1024 } = options;
  async function* read(start = 0, end = bytes.length) {
    for (let at = start; at < end; at += chunkBytes) yield bytes.subarray(at, Math.min(at + chunkBytes, end));
  }
  return {
    name,
    manifest,
    remedyForDamage: 'use another backup',
    bytes: bytes.length,
    read: () => read(),
    ranges: async () => (range) => read(range.start, range.end + 1),
  };
}
