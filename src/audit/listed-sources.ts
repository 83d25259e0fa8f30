import type { Backup } from '../catalog/backup.ts';
import { mediaListOf } from '../catalog/media-manifest.ts';
import { type ReferenceSource, sourceNames, TOPOBANK_SOURCES } from './reference-sources.ts';

/** What lists of media are made with. */
interface ListedWith {
  /** Prefix of media in the bucket, with its slash; undefined if a list under any prefix will do. */
  readonly mediaPrefix: string | undefined;
  /** Those of AUDIT_REFERENCES. */
  readonly ownSources: readonly ReferenceSource[];
}

/**
 * Whether a backup has a list of media that covers everything its rows own: one made with every source known today, and
 * under the prefix of today. If AWS_MEDIA_PREFIX was wrong when the backup was taken, its list names keys that no
 * object has, and none of those that its rows need.
 */
export function isListComplete(backup: Backup, { mediaPrefix, ownSources }: ListedWith): boolean {
  const media = backup.manifest?.media;
  const isUnderPrefix = mediaPrefix === undefined || media === undefined || !('prefix' in media);
  if (!isUnderPrefix && media.prefix !== mediaPrefix) return false;
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
