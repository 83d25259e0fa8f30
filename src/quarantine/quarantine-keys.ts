import { idTime } from '../catalog/backup-name.ts';
import { ConfigError } from '../errors.ts';
import type { Store } from '../s3/store.ts';

/** The quarantine of a bucket. */
export interface Quarantine {
  readonly store: Store;
  /** Its prefix, with its slash. */
  readonly quarantinePrefix: string;
}

/*
 * A run of the quarantine is named by the time it began, `YYYYMMDDhhmmss` in UTC. The bucket holds for it
 *
 *     quarantine/<run>.journal.ndjson.gz   what was to be moved, written before anything is
 *     quarantine/<run>/<original key>      what was moved
 *     quarantine/<run>.done.json           written last
 */

/** Key of the journal of what a run was to move. */
export function journalKey(prefix: string, run: string): string {
  return `${prefix}${run}.journal.ndjson.gz`;
}

/** Key of the mark that a run has ended. */
export function doneKey(prefix: string, run: string): string {
  return `${prefix}${run}.done.json`;
}

/** Prefix of the objects of a run. */
export function runPrefix(prefix: string, run: string): string {
  return `${prefix}${run}/`;
}

/** What a key under the quarantine's prefix is. */
interface QuarantineName {
  readonly part: 'journal' | 'done' | 'object';
  readonly run: string;
}

/** @returns undefined for any object that is not ours; such an object is never touched */
export function parseQuarantineKey(prefix: string, key: string): QuarantineName | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const match = /^(\d{14})(?:\/(.+)|\.(journal)\.ndjson\.gz|\.(done)\.json)$/su.exec(
    key.slice(prefix.length),
  );
  const [, run = '', original, journal] = match ?? [];
  if (match === null || idTime(run) === undefined) return undefined;
  if (original !== undefined) return { part: 'object', run };
  return { part: journal === undefined ? 'done' : 'journal', run };
}

/** @throws ConfigError if media or backups would be inside the quarantine */
export function checkQuarantinePrefix(settings: {
  readonly quarantinePrefix: string;
  readonly mediaPrefix: string;
  readonly prefix: string;
}): void {
  const { quarantinePrefix, mediaPrefix, prefix } = settings;
  const inside = [mediaPrefix, prefix].find((other) => other.startsWith(quarantinePrefix));
  if (inside === undefined) return;
  throw new ConfigError({
    doing: 'cannot use quarantine',
    problem: `${inside} is under QUARANTINE_PREFIX ${quarantinePrefix}`,
    remedy: 'give QUARANTINE_PREFIX its own prefix',
  });
}
