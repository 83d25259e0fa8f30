import type { Backup } from '../../catalog/backup.ts';
import { mediaListOf } from '../../catalog/media-manifest.ts';
import { type ReferenceSource, sourceNames, TOPOBANK_SOURCES } from './reference-sources.ts';

/**
 * Whether a backup has a list of media that covers everything its rows own: one made with every source known today, and
 * under the prefix of today. If AWS_MEDIA_PREFIX was wrong when the backup was taken, its list names keys that no
 * object has, and none of those that its rows need.
 *
 * @param mediaPrefix prefix of media in the bucket, with its slash
 * @param ownSources those of AUDIT_REFERENCES
 */
export function isListComplete(
  backup: Backup,
  {
    mediaPrefix,
    ownSources,
  }: { readonly mediaPrefix: string; readonly ownSources: readonly ReferenceSource[] },
): boolean {
  const media = backup.manifest?.media;
  const isElsewhere = media !== undefined && 'prefix' in media && media.prefix !== mediaPrefix;
  return !isElsewhere && listsAllSources(backup, ownSources);
}

/** Whether a backup has a list of media, under whatever prefix, that was made with every source known today. */
export function listsAllSources(backup: Backup, ownSources: readonly ReferenceSource[]): boolean {
  const listed = new Set(listedSources(backup));
  return sourceNames([...TOPOBANK_SOURCES, ...ownSources]).every((name) => listed.has(name));
}

/** The sources that the backup's list of media was made with; empty if it has no list. */
function listedSources(backup: Backup): readonly string[] {
  if (mediaListOf(backup) === undefined) return [];
  const media = backup.manifest?.media;
  const recorded = media !== undefined && 'sources' in media ? media.sources : undefined;
  return recorded ?? sourceNames(TOPOBANK_SOURCES);
}
