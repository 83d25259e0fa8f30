import type { ObjectInfo } from '../s3/store.ts';
import type { Compression } from './backup-name.ts';
import type { Manifest } from './manifest.ts';
import type { VerificationRecord } from './verification.ts';

/**
 * A backup as the store holds it.
 *
 * - `complete`: dump and manifest, and the sizes agree.
 * - `foreign`: a dump without a manifest, as go-s3-backup writes it or an operator copies it in.
 * - `broken`: a manifest without its dump, with a dump of another size, or one that cannot be read.
 */
export type Backup =
  | (Described & { readonly state: 'complete'; readonly dump: Dump; readonly manifest: Manifest })
  | (Described & { readonly state: 'foreign'; readonly dump: Dump; readonly manifest?: undefined })
  | (Described & {
      readonly state: 'broken';
      readonly dump: Dump | undefined;
      readonly manifest: Manifest | undefined;
      /** What is wrong, in one clause. */
      readonly fault: string;
      /** Whether it may be whole all the same: its manifest came as another one each time that it was read. */
      readonly unproven: boolean;
    });

interface Described {
  readonly id: string;
  /** Its objects beside the dump, the manifest last. */
  readonly companions: readonly ObjectInfo[];
  /** What verifications have found of this very object. */
  readonly verified?: VerificationRecord | undefined;
  /** Why it is not known what they have found, in one clause, where there is a record that cannot be read. */
  readonly unreadRecord?: string;
}

/** A backup that can be restored. */
export type UsableBackup = Exclude<Backup, { state: 'broken' }>;

export type BrokenBackup = Extract<Backup, { state: 'broken' }>;

/**
 * Whether it is complete, and was taken of a database rather than pushed. Of a dump that was pushed nobody knows when it
 * was made, nor of what: it can be restored like others, and says nothing of whether backups are being made.
 */
export function isTaken(backup: Backup): boolean {
  return backup.state === 'complete' && backup.manifest.database !== null;
}

/** The object that holds the dump. */
export interface Dump extends ObjectInfo {
  /** As its name tells; null for none. */
  readonly compression: Compression | null;
}

/** The object that a verification is about: the dump, or the manifest that names one which is missing. */
export function verifiedObject({ dump, companions }: Backup): ObjectInfo | undefined {
  return dump ?? companions.at(-1);
}
