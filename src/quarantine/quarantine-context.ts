import type { BackupAuditContext } from '../audit/audit-backup.ts';
import type { ConfirmAndLock } from '../postgres/advisory-lock.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import type { Quarantine } from './quarantine-keys.ts';

/** What is needed to work with the quarantine of a bucket. */
export interface QuarantineContext extends Quarantine {
  readonly now: () => Date;
  readonly log: Logger;
  readonly startProgress: StartProgress;
}

/** What is needed to change the quarantine. */
export interface ConfirmedQuarantineContext extends BackupAuditContext, QuarantineContext, ConfirmAndLock {
  readonly database: Database;
  /** Prefix of the backups. */
  readonly prefix: string;
}
