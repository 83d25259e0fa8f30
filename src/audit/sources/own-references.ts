import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { ConfigError } from '../../errors.ts';
import type { ReferenceSource } from './reference-sources.ts';

const name = v.pipe(v.string(), v.regex(/^[^.{}]+$/, 'expected a name'));
const tableName = v.pipe(v.string(), v.regex(/^([^.{}]+\.)?[^.{}]+$/, 'expected a table, or schema.table'));
const columnName = v.pipe(v.string(), v.regex(/^([^.{}]+\.)?[^.{}]+\.[^.{}]+$/, 'expected table.column'));
const pattern = v.pipe(
  v.string(),
  v.regex(
    /^(?!\/)[^{}]*(\{[^{}]+\}[^{}]*)+$/,
    'expected a prefix with a {column} in it, without a leading slash',
  ),
);

const keyEntry = v.strictObject({
  column: columnName,
  prefix: v.optional(v.pipe(v.string(), v.regex(/^(?!\/)/, 'expected a prefix without a leading slash')), ''),
  written: v.optional(name),
  optional: v.optional(v.boolean()),
});
const prefixEntry = v.strictObject({
  table: tableName,
  owns: v.lazy((owns) => (Array.isArray(owns) ? v.pipe(v.array(pattern), v.minLength(1)) : pattern)),
  optional: v.optional(v.boolean()),
});
const EXPECTED_LIST = 'expected an array of at least one entry';
const list = v.pipe(v.array(v.unknown(), EXPECTED_LIST), v.minLength(1, EXPECTED_LIST));
const anyEntry = v.record(v.string(), v.unknown(), 'expected an object');

/** The setting in messages, whichever way it was given. */
export const OWN_REFERENCES = 'AUDIT_REFERENCES (--references)';

/**
 * Reads AUDIT_REFERENCES: which rows own which objects, in addition to TopoBank's own. A JSON array, or the path of a
 * file that holds one; each entry is one of
 *
 *     {"column": "blog_post.image", "prefix": "blog/", "written": "modified"}   one object: the key that the column holds
 *     {"table": "gallery_album", "owns": ["albums/{id}/", "zips/{slug}/"]}      every object under these prefixes
 *
 * `prefix` goes between AWS_MEDIA_PREFIX and the key; `written` is the column with the time of the row's last change.
 * Tables may be given as `schema.table`. With `"optional": true`, the table or the column may be missing, such as one
 * that was renamed or dropped, whose rows kept backups still have.
 *
 * @throws ConfigError saying what is wrong, and where
 */
export async function readOwnReferences(setting: string | undefined): Promise<readonly ReferenceSource[]> {
  if (setting === undefined) return [];
  const inline = /^\s*[[{]/.test(setting);
  const from = inline ? OWN_REFERENCES : `the file ${setting} of ${OWN_REFERENCES}`;
  const json = parseJson(inline ? setting : await readText(setting), from);
  return parse(list, json, from, 'it').map((given, index) => {
    const which = `entry ${index + 1}`;
    const entry = parse(anyEntry, given, from, which);
    refuseUnknownNames(entry, from, which);
    return 'column' in entry
      ? keySource(parse(keyEntry, entry, from, which))
      : prefixSource(parse(prefixEntry, entry, from, which));
  });
}

function keySource({ column, prefix, written, optional }: v.InferOutput<typeof keyEntry>): ReferenceSource {
  const at = column.lastIndexOf('.');
  return {
    eras: [],
    tables: [column.slice(0, at)],
    owned: { kind: 'key', columns: [column.slice(at + 1)], under: prefix },
    written: written === undefined ? [] : [written],
    optional,
  };
}

function prefixSource({ table, owns, optional }: v.InferOutput<typeof prefixEntry>): ReferenceSource {
  const patterns = typeof owns === 'string' ? [owns] : owns;
  return { eras: [], tables: [table], owned: { kind: 'prefix', patterns }, written: [], optional };
}

/**
 * A mistyped name would otherwise be told by the one that is missing for it.
 *
 * @throws ConfigError that names it
 */
function refuseUnknownNames(entry: object, from: string, which: string): void {
  const known = [
    ...('table' in entry && !('column' in entry) ? [] : Object.keys(keyEntry.entries)),
    ...('column' in entry ? [] : Object.keys(prefixEntry.entries)),
  ];
  const unknown = Object.keys(entry).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw refuseSetting(from, `${which}, ${unknown}, is not accepted: expected one of ${known.join(', ')}`);
}

function parse<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  from: string,
  which: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  // An item of an array counts from 1, as entries do.
  const path = (issue.path ?? []).map(({ key }) =>
    typeof key === 'number' ? `item ${key + 1}` : String(key),
  );
  const where = path.length === 0 ? which : `${[which, ...path].join(', ')},`;
  throw refuseSetting(from, `${where} is not accepted: ${issue.message}`);
}

async function readText(path: string): Promise<string> {
  try {
    // Some editors put a byte order mark before the text.
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw refuseSetting(OWN_REFERENCES, `cannot read ${JSON.stringify(path)} (${code})`, error);
  }
}

function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuseSetting(from, `it is not JSON (${(error as Error).message})`, error);
  }
}

function refuseSetting(from: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError({
    doing: `cannot use ${from}`,
    problem,
    remedy: 'give a JSON array of {"column": "table.column"} and {"table": "…", "owns": "prefix/{id}/"}',
    cause,
  });
}
