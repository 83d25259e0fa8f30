import type { BackupAuditContext } from '../audit/audit-backup.ts';
import type { AuditContext } from '../audit/audit-media.ts';
import { keptMedia } from '../audit/kept-media.ts';
import { readOwnReferences } from '../audit/sources/own-references.ts';
import { listBackups } from '../catalog/catalog.ts';
import type { Database } from '../postgres/database.ts';
import type { ConfirmedQuarantineContext } from '../quarantine/quarantine-context.ts';
import { checkQuarantinePrefix } from '../quarantine/quarantine-keys.ts';
import type { Store } from '../s3/store.ts';
import type { AUDIT_GROUPS, BACKUP_AUDIT_GROUPS, PURGE_GROUPS } from './groups.ts';
import { confirmAndLock } from './lock-holder.ts';
import { mediaSettings } from './media-settings.ts';
import type { Session } from './session.ts';

/** @throws ConfigError for a wrong AUDIT_REFERENCES, or a quarantine prefix that media or backups would be under */
export async function backupAuditContext(
  session: Session<(typeof BACKUP_AUDIT_GROUPS)[number]>,
  store: Store,
): Promise<BackupAuditContext> {
  const { config, env, startProgress, log } = session;
  checkQuarantinePrefix(config);
  return {
    store,
    log,
    ...mediaSettings(config),
    readers: config.auditReaders,
    ownSources: await readOwnReferences(config.auditReferences),
    tools: { binDir: config.binDir, env },
    space: { memory: config.sortMemory, directory: config.sortDirectory },
    startProgress,
  };
}

/** @throws ConfigError as {@link backupAuditContext} */
export async function mediaAuditContext(
  session: Session<Exclude<(typeof AUDIT_GROUPS)[number], 'database'>>,
  store: Store,
  database: Database,
): Promise<AuditContext & BackupAuditContext> {
  const { config } = session;
  const context = await backupAuditContext(session, store);
  const catalog = { store, prefix: config.prefix };
  return {
    ...context,
    database,
    graceMs: config.grace,
    keptBackups: async (signal) =>
      keptMedia({ ...context, database }, await listBackups(catalog, signal), signal),
  };
}

/** What changing the quarantine needs besides the context of the preceding audit. */
export function quarantineContext(
  session: Session<Exclude<(typeof PURGE_GROUPS)[number], 'database'>>,
): Omit<ConfirmedQuarantineContext, 'database' | keyof BackupAuditContext> {
  const { config, now } = session;
  const { prefix, quarantinePrefix } = config;
  return { prefix, quarantinePrefix, now, ...confirmAndLock(session, 'quarantine') };
}
