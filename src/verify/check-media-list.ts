import type { UsableBackup } from '../catalog/backup.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { describeMedia, lacksRows, mediaListOf, readMediaManifest } from '../catalog/media-manifest.ts';
import { OperatorError } from '../errors.ts';
import type { Store } from '../s3/store.ts';
import type { Logger } from '../ui/log.ts';
import type { Evidence } from './evidence.ts';

/**
 * Reads the list of media beside a good backup, if its manifest mentions one, and adds the result to the evidence.
 * The database can be restored without the list, so anything wrong with it is only a warning, not a fault.
 *
 * @throws the signal's reason
 */
export async function addMediaList(
  { store, log }: { readonly store: Store; readonly log: Logger },
  backup: UsableBackup,
  evidence: Evidence,
  signal: AbortSignal,
): Promise<Evidence> {
  const media = backup.manifest?.media;
  if (media === undefined || 'warning' in media || evidence.faults.length > 0) return evidence;
  const problem = await findProblem(store, backup, media, signal);
  if (problem === undefined && lacksRows(media)) {
    return {
      ...evidence,
      proved: `${evidence.proved}; its list of media is what was written: ${describeMedia(media)}`,
      unproved: `${evidence.unproved}; that its list of media names all that its rows own, because some could not be read`,
    };
  }
  if (problem === undefined)
    return {
      ...evidence,
      proved: `${evidence.proved}; its list of media is complete: ${describeMedia(media)}`,
    };
  log.warn(`backup ${backup.id} is good, but its list of media is not: ${problem}`);
  return { ...evidence, unproved: `${evidence.unproved}; its list of media: ${problem}` };
}

async function findProblem(
  store: Store,
  backup: UsableBackup,
  media: Manifest['media'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const list = mediaListOf(backup);
  if (list === undefined) return 'it is missing — audits read the dump itself';
  try {
    for await (const _ of readMediaManifest(store, list.key, media, signal));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OperatorError) return error.message;
    throw error;
  }
  return undefined;
}
