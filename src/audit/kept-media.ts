import type { Backup } from '../catalog/backup.ts';
import { mayBeOf } from '../catalog/manifest.ts';
import { entryKey, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { OperatorError } from '../errors.ts';
import { isForbidden } from '../s3/errors.ts';
import { type KeyBytes, keyBytes } from '../s3/key-bytes.ts';
import type { Store } from '../s3/store.ts';
import { type DumpReferencesContext, readDumpReferences } from './dumped/dump-references.ts';
import { isListComplete, listsAllSources } from './sources/listed-sources.ts';

/** What a kept backup needs: an object, or everything under a prefix. */
export interface KeptKey {
  readonly kind: 'key' | 'prefix';
  readonly key: KeyBytes;
}

/** A kept backup and what it needs. A backup may appear twice, once for each place that its needs are read from. */
export interface KeptBackup {
  readonly id: string;
  /** Where its needs are read from. A dump is read to its end before the first key; a list is not. */
  readonly by: 'list' | 'dump';
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
}

/**
 * What each backup needs, according to its list of media, or to its dump if it has none; according to both if the
 * list was made without a source that is known today, or under another prefix than the database's.
 */
export async function keptMedia(
  context: KeptMediaContext,
  backups: readonly Backup[],
  signal: AbortSignal,
): Promise<KeptBackup[]> {
  const others = await prefixesOfOthers(context, backups, signal);
  // All dumps are sorted at the same time and share the memory.
  const dumps = backups.filter((backup) => needsDump(context, backup, others));
  const space = { ...context.space, memory: context.space.memory / Math.max(1, dumps.length) };
  return backups.flatMap((backup): KeptBackup[] => {
    const { id } = backup;
    const list = mediaListOf(backup);
    const readers: KeptBackup[] = [];
    if (list !== undefined)
      readers.push({ id, by: 'list', keys: () => readList(context.store, backup, list.key, signal) });
    if (dumps.includes(backup))
      readers.push({ id, by: 'dump', keys: () => readDump({ ...context, space }, backup, signal) });
    return readers;
  });
}

/**
 * Under a shared S3_PREFIX there are also backups of databases whose media have a prefix of their own. The list of such a
 * backup is under that one, and its rows own nothing under this one.
 */
function needsDump(context: KeptMediaContext, backup: Backup, others: ReadonlySet<string>): boolean {
  const prefix = otherPrefix(context, backup);
  const isElsewhere = prefix !== undefined && others.has(prefix);
  return isElsewhere || namesNone(backup)
    ? !listsAllSources(backup, context.ownSources)
    : !isListComplete(backup, context);
}

/**
 * The prefixes under which other databases have media. One with nothing under it any more is none: its media, and perhaps
 * the database under another name, may be those of today, and then the rows of its backups own what is here now. Nor is
 * one that the access key may not list, because nobody knows what is there.
 */
async function prefixesOfOthers(
  context: KeptMediaContext,
  backups: readonly Backup[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const prefixes = new Set(backups.flatMap((backup) => otherPrefix(context, backup) ?? []));
  for (const prefix of prefixes)
    if (!(await hasObjects(context.store, prefix, signal))) prefixes.delete(prefix);
  return prefixes;
}

/**
 * Prefix of the media of another database's backup, according to its list; undefined if the list may be made under a
 * wrong one, or under one that contains this database's or is in it, which two databases cannot have.
 */
function otherPrefix({ database, mediaPrefix }: KeptMediaContext, backup: Backup): string | undefined {
  const media = backup.manifest?.media;
  if (mayBeOf(backup, database.name) || media === undefined || !('prefix' in media)) return undefined;
  const { prefix, objects } = media;
  if (prefix.startsWith(mediaPrefix) || mediaPrefix.startsWith(prefix)) return undefined;
  // With a wrong AWS_MEDIA_PREFIX, none of the objects that rows name is there.
  return objects > 0 ? prefix : undefined;
}

/** Whether a backup's rows name no media, under whatever prefix. */
function namesNone({ manifest }: Backup): boolean {
  const media = manifest?.media;
  return media !== undefined && 'references' in media && media.references === 0;
}

async function hasObjects(store: Store, prefix: string, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const { key } of store.list(prefix, { signal })) return key.startsWith(prefix);
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  return false;
}

async function* readList(
  store: Store,
  { manifest }: Backup,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<readonly KeptKey[]> {
  for await (const entries of readMediaManifest(store, key, manifest?.media, signal)) {
    yield entries.map((entry) => ({
      kind: 'prefix' in entry ? 'prefix' : 'key',
      key: keyBytes(entryKey(entry)),
    }));
  }
}

async function* readDump(
  context: DumpReferencesContext,
  backup: Backup,
  signal: AbortSignal,
): AsyncGenerator<readonly KeptKey[]> {
  if (backup.state === 'broken') throw new UnreadableBackup(backup.fault);
  context.log.info(`reading the dump of backup ${backup.id} to see which media it needs`);
  const { references, close } = await readDumpReferences(context, backup, () => {}, signal);
  try {
    yield* references;
  } finally {
    await close();
  }
}

/** A broken backup; the message is its fault and nothing else. */
class UnreadableBackup extends Error {}

/**
 * Says why a backup cannot be read; rethrows an error that is not the backup's fault.
 *
 * @param signal that of the reading
 */
export function describeUnreadable(error: unknown, signal: AbortSignal): string {
  signal.throwIfAborted();
  if (error instanceof UnreadableBackup || error instanceof OperatorError) return error.message;
  throw error;
}
