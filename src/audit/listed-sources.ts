import type { Backup } from '../catalog/backup.ts';
import { mediaListOf } from '../catalog/media-manifest.ts';
import { type ReferenceSource, sourceNames, TOPOBANK_SOURCES } from './reference-sources.ts';

/**
 * Whether a backup's list of media tells all that its rows own: whether it has one, and that was made with every source
 * that is known today.
 *
 * @param ownSources those of AUDIT_REFERENCES
 */
export function isListComplete(backup: Backup, ownSources: readonly ReferenceSource[]): boolean {
  const listed = new Set(listedSources(backup));
  return sourceNames([...TOPOBANK_SOURCES, ...ownSources]).every((name) => listed.has(name));
}

/** The sources by which the backup's list of media was made; none without a list. */
function listedSources(backup: Backup): readonly string[] {
  if (mediaListOf(backup) === undefined) return [];
  const media = backup.manifest?.media;
  const recorded = media !== undefined && 'sources' in media ? media.sources : undefined;
  return recorded ?? sourceNames(TOPOBANK_SOURCES);
}
