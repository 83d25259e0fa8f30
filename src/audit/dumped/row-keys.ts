import { isReadExactly, textDecoder } from '../../dump/text-decoder.ts';
import { DumpError } from '../../errors.ts';
import { decodeCopyField } from '../../postgres/copy-text.ts';
import { splitPattern } from '../sources/key-pattern.ts';
import type { MatchedSource } from '../sources/match-sources.ts';

const TAB = 0x09;
const SLASH = 0x2f;
const LAST_ASCII = 0x7f;

/** Encodings whose bytes are used unchanged, because keys in the bucket are UTF-8. */
const AS_THEY_ARE: readonly (string | undefined)[] = [undefined, 'UTF8', 'SQL_ASCII'];

/** Returns the key that a row owns by a source, as a byte string; undefined if it owns none. */
type WriteKey = (fields: readonly Buffer[]) => string | undefined;

/**
 * Does on the fields of a COPY row what the reference query does in SQL.
 *
 * @param toUtf8 what {@link keysFrom} returns
 */
export function keyWriter(
  { owned }: MatchedSource,
  columns: readonly string[],
  mediaPrefix: string,
  toUtf8: (value: Buffer) => Buffer,
): WriteKey {
  const latin1 = (text: string) => Buffer.from(text).toString('latin1');
  /** Reads a column; undefined for null or an empty value, which both count as no value. */
  const reader = (column: string) => {
    const at = columns.indexOf(column);
    return (fields: readonly Buffer[]) => {
      const field = fields[at];
      const value = field === undefined ? null : decodeCopyField(field);
      return value === null || value.length === 0 ? undefined : toUtf8(value);
    };
  };
  if (owned.kind === 'key') {
    const read = reader(owned.column);
    const before = latin1(mediaPrefix + owned.under);
    return (fields) => {
      const bytes = read(fields);
      const start = bytes?.findIndex((byte) => byte !== SLASH) ?? -1;
      return bytes === undefined || start < 0 ? undefined : before + bytes.toString('latin1', start);
    };
  }
  const readUnless = owned.unless === undefined ? undefined : reader(owned.unless);
  const parts = splitPattern(owned.pattern).map((part) =>
    'text' in part ? { text: latin1(part.text) } : { read: reader(part.column) },
  );
  return (fields) => {
    if (readUnless?.(fields) !== undefined) return undefined;
    let prefix = latin1(mediaPrefix);
    for (const part of parts) {
      const text = 'text' in part ? part.text : part.read(fields)?.toString('latin1');
      if (text === undefined) return undefined;
      prefix += text;
    }
    return prefix;
  };
}

/**
 * As {@link utf8From}, for keys: if a letter were read as another one, its object would seem to be owned by nobody.
 *
 * @param name the dump's, for errors
 * @returns a function that throws DumpError for a value that may be another one for PostgreSQL
 */
export function keysFrom(encoding: string | undefined, name: string): (value: Buffer) => Buffer {
  const toUtf8 = utf8From(encoding);
  if (AS_THEY_ARE.includes(encoding) || isReadExactly(encoding)) return toUtf8;
  return (value) => {
    if (value.some((byte) => byte > LAST_ASCII))
      throw new DumpError({
        doing: `cannot determine which media the rows of ${name} name`,
        problem: `of its encoding ${encoding}, only ASCII is read exactly as PostgreSQL reads it, and a row has other characters`,
        remedy:
          'keep backups with a list of their media (MEDIA_MANIFEST), which names them as the database does',
      });
    return toUtf8(value);
  };
}

/** Keys in the bucket are UTF-8, whatever the dump's encoding. */
export function utf8From(encoding: string | undefined): (value: Buffer) => Buffer {
  if (AS_THEY_ARE.includes(encoding)) return (value) => value;
  const decode = textDecoder(encoding);
  return (value) => Buffer.from(decode(value));
}

/** The fields of a COPY row, as they are escaped. */
export function splitFields(line: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  let start = 0;
  for (let end = line.indexOf(TAB); end >= 0; end = line.indexOf(TAB, start)) {
    fields.push(line.subarray(start, end));
    start = end + 1;
  }
  fields.push(line.subarray(start));
  return fields;
}

/** Dumps from before PostgreSQL 10.3 name no schema. */
export function schemaOf(schema: string): string {
  return schema === '' ? 'public' : schema;
}
