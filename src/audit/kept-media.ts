import type { Backup } from '../catalog/backup.ts';
import { mayBeOf } from '../catalog/manifest.ts';
import { entryKey, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { OperatorError } from '../errors.ts';
import { type KeyBytes, keyBytes } from '../s3/key-bytes.ts';
import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import { type DumpReferencesContext, readDumpReferences } from './dump-references.ts';
import { isListComplete } from './listed-sources.ts';

/** What a kept backup needs: an object, or everything under a prefix. */
export interface KeptKey {
  readonly kind: 'key' | 'prefix';
  readonly key: KeyBytes;
}

/** A kept backup and what it needs. A backup may appear twice, once for each place that its needs are read from. */
export interface KeptBackup {
  readonly id: string;
  /**
   * Opened on first use; in the order of the keys' bytes.
   *
   * @throws OperatorError if the backup cannot be read
   */
  keys(): AsyncGenerator<readonly KeptKey[]>;
}

interface KeptMediaContext extends DumpReferencesContext {
  /** The database whose media are under the prefix. */
  readonly database: { readonly name: string };
  readonly log: Logger;
}

/**
 * What each backup needs, according to its list of media, or to its dump if it has none; according to both if the
 * list was made without a source that is known today, or under another prefix than the database's.
 */
export function keptMedia(
  context: KeptMediaContext,
  backups: readonly Backup[],
  signal: AbortSignal,
): KeptBackup[] {
  // All dumps are sorted at the same time and share the memory.
  const dumps = backups.filter((backup) => needsDump(context, backup));
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

/**
 * Under a shared S3_PREFIX there are also backups of databases whose media have a prefix of their own. The list of such a
 * backup is under that one, and its rows own nothing under this one.
 */
function needsDump(context: KeptMediaContext, backup: Backup): boolean {
  const isOfOther = !mayBeOf(backup, context.database.name) && hasFoundMedia(backup);
  return !isListComplete(backup, isOfOther ? { ...context, mediaPrefix: undefined } : context);
}

/** Whether a list names objects that were there: with a wrong AWS_MEDIA_PREFIX, it would name none. */
function hasFoundMedia({ manifest }: Backup): boolean {
  const media = manifest?.media;
  return media !== undefined && 'objects' in media && (media.objects > 0 || media.references === 0);
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
  const { references, close } = await readDumpReferences(context, backup, signal);
  try {
    yield* references;
  } finally {
    await close();
  }
}

/** A broken backup; the message is its fault and nothing else. */
class UnreadableBackup extends Error {}

/** Says why a backup cannot be read; rethrows an error that is not the backup's fault. */
export function describeUnreadable(error: unknown): string {
  if (error instanceof UnreadableBackup || error instanceof OperatorError) return error.message;
  throw error;
}
