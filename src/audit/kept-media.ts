import type { Backup } from '../catalog/backup.ts';
import { entryKey, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { OperatorError } from '../errors.ts';
import { type KeyBytes, keyBytes } from '../s3/key-bytes.ts';
import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import { type DumpReferencesContext, readDumpReferences } from './dump-references.ts';
import { isListComplete } from './listed-sources.ts';

/** What a kept backup needs: an object, or whatever lies under a prefix. */
export interface KeptKey {
  readonly kind: 'key' | 'prefix';
  readonly key: KeyBytes;
}

/** A kept backup, and what it needs; one may come twice, with what different places tell of it. */
export interface KeptBackup {
  readonly id: string;
  /**
   * Opened when it is first needed. In the order of the keys' bytes.
   *
   * @throws OperatorError when the backup cannot be read
   */
  keys(): AsyncGenerator<readonly KeptKey[]>;
}

/**
 * What each backup needs, by its list of media, else by its dump; by both where the list was made without a source
 * that is known today.
 */
export function keptMedia(
  context: DumpReferencesContext & { readonly log: Logger },
  backups: readonly Backup[],
  signal: AbortSignal,
): KeptBackup[] {
  // What dumps name is held sorted at the same time.
  const dumps = backups.filter((backup) => !isListComplete(backup, context.ownSources));
  const space = { ...context.space, memory: context.space.memory / Math.max(1, dumps.length) };
  return backups.flatMap((backup): KeptBackup[] => {
    const { id } = backup;
    const list = mediaListOf(backup);
    const readers: KeptBackup[] = [];
    if (list !== undefined) readers.push({ id, keys: () => readList(context.store, list.key, signal) });
    if (dumps.includes(backup))
      readers.push({ id, keys: () => readDump({ ...context, space }, backup, signal) });
    return readers;
  });
}

async function* readList(store: Store, key: string, signal: AbortSignal): AsyncGenerator<readonly KeptKey[]> {
  for await (const entries of readMediaManifest(store, key, signal)) {
    yield entries.map((entry) => ({
      kind: 'prefix' in entry ? 'prefix' : 'key',
      key: keyBytes(entryKey(entry)),
    }));
  }
}

async function* readDump(
  context: DumpReferencesContext & { readonly log: Logger },
  backup: Backup,
  signal: AbortSignal,
): AsyncGenerator<readonly KeptKey[]> {
  if (backup.state === 'broken') throw new UnreadableBackup(backup.fault);
  context.log.info(`reading the dump of backup ${backup.id} to see which media it needs`);
  const { references } = await readDumpReferences(context, backup, signal);
  yield* references;
}

/** A broken backup; what is wrong with it is the whole message. */
class UnreadableBackup extends Error {}

/** What to say of a backup that cannot be read; anything that is no fault of the backup is thrown on. */
export function describeUnreadable(error: unknown): string {
  if (error instanceof UnreadableBackup || error instanceof OperatorError) return error.message;
  throw error;
}
