import type { Backup } from '../catalog/backup.ts';
import { mediaListOf } from '../catalog/media-manifest.ts';
import { type ReferenceSource, sourceNames, TOPOBANK_SOURCES } from './reference-sources.ts';

/**
 * Whether a backup has a list of media that covers everything its rows own: one made with every source known today.
 *
 * @param ownSources those of AUDIT_REFERENCES
 */
export function isListComplete(backup: Backup, ownSources: readonly ReferenceSource[]): boolean {
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
