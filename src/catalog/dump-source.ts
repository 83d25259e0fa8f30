import { dirname } from 'node:path';
import type { DumpBytes } from '../dump/block-reader.ts';
import { FORM_BYTES, sniffForm } from '../dump/dump-form.ts';
import type { LocalDump } from '../dump/local-dump.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import type { ReadRange } from '../dump/read-text.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import { collect, readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import type { UsableBackup } from './backup.ts';
import type { Manifest } from './manifest.ts';

/** The only thing known about a dump without a manifest is what it was a moment ago. */
const KEEP_STILL = 'make sure nothing is writing to the dump';

/** A dump to be read, wherever it is. */
export interface DumpSource extends DumpBytes {
  /** `backup/postgres-backup-20261123103000.sql`, `./dump.sql.gz` */
  readonly name: string;
  /** What is already known about it; undefined for a foreign dump and a local file. */
  readonly manifest: Manifest | undefined;
  /** What to do if its bytes do not match what is known about it. */
  readonly remedyForDamage: string;
  /** Length of the plain SQL in bytes; that of the compressed file if unknown. */
  readonly bytes: number;
}

/** What to do if a backup's bytes do not match what is known about it. */
export function remedyForDamage({ id, manifest }: UsableBackup): string {
  if (manifest === undefined) return KEEP_STILL;
  return [
    'use another backup',
    `\`topobank-backup verify ${id}\` shows which parts of this one are damaged`,
    `\`topobank-backup fetch ${id} --table TABLE\` downloads an undamaged table`,
  ].join('; ');
}

/**
 * A backup in the bucket. Its `bytes` are reliable if it has a manifest. For a compressed foreign dump they are those
 * of the object, which will do for progress and messages, but not for reading or comparing.
 *
 * @param tools used to unpack it
 */
export function backupSource(store: Store, backup: UsableBackup<Manifest>, tools: ClientTools): DumpSource {
  const { key } = backup.dump;
  const readRange: ReadRange = (range, signal) => readObject(store, key, { range, signal });
  return {
    name: key,
    manifest: backup.manifest,
    remedyForDamage: remedyForDamage(backup),
    bytes: backup.manifest?.bytes ?? backup.dump.bytes,
    read: (signal) => readPlainDump(readObject(store, key, { signal }), { name: key, ...tools, signal }),
    // The name of a foreign dump may be wrong about its form.
    ranges: async (signal) =>
      backup.manifest?.compression === null ? readRange : ifPlain(readRange, signal),
  };
}

/**
 * A dump on this machine. Its `bytes` are those of the file, reliable only if it is known to be plain.
 *
 * @param file as the operator named it, which is how errors call it
 * @param tools used to unpack it
 */
export function fileSource(file: string, local: LocalDump, tools: ClientTools): DumpSource {
  return {
    name: dirname(file) === '.' && !file.startsWith('.') ? `./${file}` : file,
    manifest: undefined,
    remedyForDamage: KEEP_STILL,
    bytes: local.bytes,
    read: (signal) => readPlainDump(local.read(), { name: file, ...tools, signal }),
    ranges: (signal) => ifPlain(local.read, signal),
  };
}

/** The first bytes show whether the file's bytes are those of the SQL. */
async function ifPlain(readRange: ReadRange, signal: AbortSignal): Promise<ReadRange | undefined> {
  const head = await collect(readRange({ start: 0, end: FORM_BYTES - 1 }, signal));
  return sniffForm(Buffer.concat(head)) === 'plain' ? readRange : undefined;
}
