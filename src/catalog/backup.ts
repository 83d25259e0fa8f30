import type { ObjectInfo } from '../s3/store.ts';
import type { Compression } from './backup-name.ts';
import type { ManifestHead } from './manifest.ts';
import type { VerificationRecord } from './verification.ts';

/**
 * A backup as the store holds it.
 *
 * - `complete`: dump and manifest, and the sizes agree.
 * - `foreign`: a dump without a manifest, written by go-s3-backup or copied in by an operator.
 * - `broken`: a manifest that cannot be read, or whose dump is missing or has another size.
 *
 * `M` is how much of its manifest is known: there may be thousands of backups, each with thousands of tables.
 */
export type Backup<M extends ManifestHead = ManifestHead> =
  | (Described & { readonly state: 'complete'; readonly dump: Dump; readonly manifest: M })
  | (Described & { readonly state: 'foreign'; readonly dump: Dump; readonly manifest?: undefined })
  | (Described & {
      readonly state: 'broken';
      readonly dump: Dump | undefined;
      readonly manifest: M | undefined;
      /** What is wrong, as a single clause. */
      readonly fault: string;
      /**
       * Whether it may be whole nevertheless: its manifest reads differently each time, can only be looked up, or is in
       * an archive.
       */
      readonly unproven: boolean;
    });

interface Described {
  readonly id: string;
  /** Its objects other than the dump, the manifest last. */
  readonly companions: readonly ObjectInfo[];
  /** What verifications found about this very object. */
  readonly verified?: VerificationRecord | undefined;
  /** If there is a verification record that cannot be read: why, as a single clause. */
  readonly unreadRecord?: string;
}

/** A backup that can be restored. */
export type UsableBackup<M extends ManifestHead = ManifestHead> = Exclude<Backup<M>, { state: 'broken' }>;

/** Whether a backup can be restored, judging by its state; what a verification has found is not considered. */
export function isUsable(backup: Backup): backup is UsableBackup {
  return backup.state !== 'broken';
}

/** A backup that cannot be restored as it is. */
export type BrokenBackup = Extract<Backup, { state: 'broken' }>;

/**
 * Whether a backup is complete and was taken from a database rather than pushed. Nobody knows when a pushed dump was
 * made, or of what: it can be restored like others, but is no evidence that backups are being made.
 */
export function isTaken(backup: Backup): boolean {
  return backup.state === 'complete' && backup.manifest.database !== null;
}

/** The object that holds the dump. */
export interface Dump extends ObjectInfo {
  /** As its name indicates; null for none. */
  readonly compression: Compression | null;
}

/** The object that a verification is about: the dump, or the manifest if the dump it names is missing. */
export function verifiedObject({ dump, companions }: Backup): ObjectInfo | undefined {
  return dump ?? companions.at(-1);
}
