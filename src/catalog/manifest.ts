import * as v from 'valibot';
import type { KnownDump } from '../dump/dump-index.ts';
import { DumpError } from '../errors.ts';

const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const time = v.pipe(v.string(), v.isoTimestamp());
const text = v.string();
const { nullable } = v;

const tableSchema = v.object({
  schema: text,
  name: text,
  columns: v.array(text),
  rows: bytes,
  offset: bytes,
  bytes,
  sha256,
  checkpoints: v.optional(v.array(v.object({ offset: bytes, rows: bytes, crc32: bytes })), []),
});

const manifestSchema = v.object({
  format: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^\d{14}$/)),
  /** Key of the dump where it was written. The dump is found by its name beside the manifest, wherever both are. */
  key: text,
  /** Length of the dump, uncompressed. */
  bytes,
  /** Size of the object in the store, and the ETag that the server gave it when it was written. */
  storedBytes: bytes,
  etag: v.optional(text),
  compression: nullable(v.picklist(['gzip', 'zstd'])),
  startedAt: time,
  finishedAt: time,
  /** Name and version of the program that wrote it. */
  tool: text,
  /** What the dump's own text leaves out; null for a pushed dump. */
  database: nullable(
    v.object({
      name: text,
      encoding: text,
      collate: text,
      ctype: text,
      /** `libc`, `icu` or `builtin`, and that provider's locale, if there is a choice (PostgreSQL 15). */
      provider: v.optional(nullable(v.picklist(['libc', 'icu', 'builtin'])), null),
      providerLocale: v.optional(nullable(text), null),
      icuRules: v.optional(nullable(text), null),
      /** null: the server's default. */
      tablespace: v.optional(nullable(text), null),
      owner: text,
      settings: v.array(v.object({ role: nullable(text), name: text, value: text })),
      /** Most concurrent connections; -1: no limit. */
      connectionLimit: v.optional(v.pipe(v.number(), v.safeInteger()), -1),
      /** Whether anybody may copy it. */
      template: v.optional(v.boolean(), false),
      comment: v.optional(nullable(text), null),
      acl: nullable(v.array(v.object({ grantee: text, privilege: text, grantable: v.boolean() }))),
      bytes,
    }),
  ),
  /** Versions as the programs report them. */
  server: nullable(text),
  pgDump: nullable(text),
  snapshot: nullable(v.object({ id: text, lsn: text, at: time })),
  /** Settings of pg_dump's session that decide how rows and statements are written, `TimeZone`; none if not known. */
  session: v.optional(v.record(text, text)),
  /** The last applied migration of each Django app. */
  migrations: v.record(text, text),
  roles: v.array(text),
  ownerRoles: v.array(text),
  encoding: nullable(text),
  sections: v.array(
    v.object({ name: v.picklist(['pre-data', 'data', 'post-data']), offset: bytes, bytes, sha256 }),
  ),
  tables: v.array(
    v.pipe(
      tableSchema,
      v.check(isDivided, 'its checkpoints do not cover its rows from the first to the last'),
    ),
  ),

  /** The media that the rows name, whose list is beside the dump; or why there is none. */
  media: v.optional(
    v.union([
      v.object({
        /** The bucket and prefix they are under. */
        bucket: text,
        prefix: text,
        /** Release of TopoBank's schema; null if all sources are the operator's. */
        era: nullable(text),
        /**
         * What the database was searched for, whether it has it or not: `files_manifest.file`, `albums:
         * albums/{id}/`. Empty if rows that may own objects could not be read.
         */
        sources: v.optional(v.array(text)),
        /** Keys and prefixes that rows name, counted once per mention. */
        references: bytes,
        /** Objects that rows own, and their total bytes. */
        objects: bytes,
        bytes,
        /** Keys that rows name but that had no object when the backup was taken. */
        dangling: bytes,
      }),
      v.object({ warning: text }),
    ]),
  ),
});

/**
 * What is known of a backup, and the mark that it is complete. Every byte of the dump is covered by exactly one
 * SHA-256: a table's covers its rows, a section's covers its bytes that are not rows. Times are ISO 8601 UTC, sizes
 * bytes.
 */
export type Manifest = v.InferOutput<typeof manifestSchema>;

/** The part of a manifest whose size does not grow with the database: without its index of sections and tables. */
export type ManifestHead = Omit<Manifest, 'migrations' | 'roles' | 'ownerRoles' | 'sections' | 'tables'>;

/** Rows after the last checkpoint, or between two that are out of order, would be in none of the pieces restored. */
function isDivided({ offset, bytes, rows, checkpoints }: v.InferOutput<typeof tableSchema>): boolean {
  const last = checkpoints.at(-1);
  if (last === undefined) return true;
  if (last.offset !== offset + bytes || last.rows !== rows) return false;
  return checkpoints.every((mark, at) => {
    const before = checkpoints[at - 1] ?? { offset, rows: 0 };
    return mark.offset > before.offset && mark.rows > before.rows;
  });
}

/** Name of the database that a backup is of; undefined if unknown, as for one without a manifest. */
export function databaseOf({
  manifest,
}: {
  readonly manifest?: ManifestHead | undefined;
}): string | undefined {
  return manifest?.database?.name;
}

/**
 * Name of the database that a backup is of, if it is known to be a different one than `database`.
 *
 * @param database undefined if any database will do
 */
export function otherDatabase(
  backup: { readonly manifest?: ManifestHead | undefined },
  database: string | undefined,
): string | undefined {
  const name = databaseOf(backup);
  return database === undefined || name === database ? undefined : name;
}

/**
 * Whether a backup may be of this database: it is, or does not say which one it is of.
 *
 * @param database undefined if any database will do
 */
export function mayBeOf(
  backup: { readonly manifest?: ManifestHead | undefined },
  database: string | undefined,
): boolean {
  return otherDatabase(backup, database) === undefined;
}

/** Largest manifest, in bytes: enough for a hundred thousand tables. */
export const MANIFEST_LIMIT = 64 * 1024 ** 2;

/** What a manifest says about its dump. */
export function knownBy(manifest: Manifest): KnownDump {
  const { server, encoding } = manifest;
  return { ...manifest, serverVersion: server ?? undefined, encoding: encoding ?? undefined };
}

/** The same without the checkpoints inside long tables: each table is read whole, and proven by its SHA-256. */
export function withoutCheckpoints(manifest: Manifest): Manifest {
  return { ...manifest, tables: manifest.tables.map((table) => ({ ...table, checkpoints: [] })) };
}

/** As stored in the bucket: JSON on one line. */
export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest)}\n`);
}

/**
 * @param key for the message
 * @throws DumpError if the text is not JSON or not a manifest of format 1
 */
export function decodeManifest(key: string, text: string): Manifest {
  const refuseManifest = (problem: string, cause?: unknown) =>
    new DumpError({
      doing: `cannot read the manifest ${key}`,
      problem,
      remedy: 'use another backup, or delete the manifest to list the dump as foreign',
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refuseManifest('it is not JSON', error);
  }
  const parsed = v.safeParse(manifestSchema, json);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw refuseManifest(`${v.getDotPath(issue) ?? 'it'} does not match format 1 (${issue.message})`);
}
