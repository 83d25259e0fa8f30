import type { Backup } from '../catalog/catalog.ts';
import { entryKey, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { OperatorError } from '../errors.ts';
import { type KeyBytes, keyBytes } from '../s3/key-bytes.ts';
import type { Logger } from '../ui/log.ts';
import { type DumpReferencesContext, readDumpReferences } from './dump-references.ts';

/** What a kept backup needs: an object, or whatever lies under a prefix. */
export interface KeptKey {
  readonly kind: 'key' | 'prefix';
  readonly key: KeyBytes;
}

/** A kept backup, and what it needs. */
export interface KeptBackup {
  readonly id: string;
  /**
   * Opened when it is first needed. In the order of the keys' bytes.
   *
   * @throws OperatorError when the backup cannot be read
   */
  keys(): AsyncGenerator<readonly KeptKey[]>;
}

/** What each backup needs, by its list of media, else by its dump. */
export function keptMedia(
  context: DumpReferencesContext & { readonly log: Logger },
  backups: readonly Backup[],
  signal: AbortSignal,
): KeptBackup[] {
  // What dumps name is held sorted at the same time.
  const sorted = backups.filter((backup) => mediaListOf(backup) === undefined).length;
  const space = { ...context.space, memory: context.space.memory / Math.max(1, sorted) };
  return backups.map((backup) => ({
    id: backup.id,
    keys: () => readKeys({ ...context, space }, backup, signal),
  }));
}

async function* readKeys(
  context: DumpReferencesContext & { readonly log: Logger },
  backup: Backup,
  signal: AbortSignal,
): AsyncGenerator<readonly KeptKey[]> {
  const list = mediaListOf(backup);
  if (list !== undefined) {
    for await (const entries of readMediaManifest(context.store, list.key, signal)) {
      yield entries.map((entry) => ({
        kind: 'prefix' in entry ? 'prefix' : 'key',
        key: keyBytes(entryKey(entry)),
      }));
    }
    return;
  }
  if (backup.state === 'broken') throw new UnreadableBackup(backup.fault);
  context.log.info(`reading which media backup ${backup.id} needs out of its dump`);
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
