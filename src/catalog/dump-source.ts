import { dirname } from 'node:path';
import type { DumpBytes } from '../dump/block-reader.ts';
import { FORM_BYTES, sniffForm } from '../dump/form.ts';
import type { LocalDump } from '../dump/local-dump.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import type { ReadRange } from '../dump/read-text.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import { collect, readObject } from '../s3/reader.ts';
import type { Store } from '../s3/store.ts';
import type { UsableBackup } from './backup.ts';
import { remedyForDamage } from './compare-index.ts';
import type { Manifest } from './manifest.ts';

/** Of a dump without a manifest is known what it was a moment ago. */
const KEEP_STILL = 'make sure nothing is writing to the dump';

/** A dump that is to be read, wherever it lies. */
export interface DumpSource extends DumpBytes {
  /** `backup/postgres-backup-20261123103000.sql`, `./dump.sql.gz` */
  readonly name: string;
  /** What is known of it beforehand; a foreign dump and a local file have none. */
  readonly manifest: Manifest | undefined;
  /** What to do when its bytes are not those that are known of it. */
  readonly remedyForDamage: string;
  /** Length of the plain SQL in bytes; that of the packed file where it is not known. */
  readonly bytes: number;
}

/** What to do when a backup's bytes are not those that are known of it. */
export function remedyForOthers({ id, manifest }: UsableBackup): string {
  return manifest === undefined ? KEEP_STILL : remedyForDamage(id);
}

/**
 * A backup of the bucket. Its `bytes` can be relied on where it has a manifest; of a foreign dump that is packed they are
 * those of the object, which do for progress and for what people are told, and for nothing that is read or compared.
 *
 * @param tools that unpack it
 */
export function backupSource(store: Store, backup: UsableBackup, tools: ClientTools): DumpSource {
  const { key } = backup.dump;
  const readRange: ReadRange = (range, signal) => readObject(store, key, { range, signal });
  return {
    name: key,
    manifest: backup.manifest,
    remedyForDamage: remedyForOthers(backup),
    bytes: backup.manifest?.bytes ?? backup.dump.bytes,
    read: (signal) => readPlainDump(readObject(store, key, { signal }), { name: key, ...tools, signal }),
    // The name of a foreign dump may be wrong about its form.
    ranges: async (signal) =>
      backup.manifest?.compression === null ? readRange : ifPlain(readRange, signal),
  };
}

/**
 * A dump of this machine. Its `bytes` are those of the file, so only who knows that it is plain may rely on them.
 *
 * @param file as it was named, which is what errors call it
 * @param tools that unpack it
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

/** The first bytes tell whether those of the file are those of the SQL. */
async function ifPlain(readRange: ReadRange, signal: AbortSignal): Promise<ReadRange | undefined> {
  const head = await collect(readRange({ start: 0, end: FORM_BYTES - 1 }, signal));
  return sniffForm(Buffer.concat(head)) === 'plain' ? readRange : undefined;
}
