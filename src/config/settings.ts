import { AUDIT_SETTINGS } from './settings/audit.ts';
import { BACKUP_SETTINGS } from './settings/backup.ts';
import { CONTAINER_SETTINGS } from './settings/container.ts';
import { DATABASE_SETTINGS } from './settings/database.ts';
import { HEALTH_SETTINGS } from './settings/health.ts';
import { LOCK_SETTINGS } from './settings/lock.ts';
import { LOG_SETTINGS } from './settings/log.ts';
import { MEDIA_SETTINGS } from './settings/media.ts';
import { RETENTION_SETTINGS } from './settings/retention.ts';
import { SCHEDULE_SETTINGS } from './settings/schedule.ts';
import { STORE_SETTINGS } from './settings/store.ts';
import { VERIFY_SETTINGS } from './settings/verify.ts';

/** Every setting of the tool, in the order in which docs/SETTINGS.md lists them. */
export const SETTINGS = {
  ...DATABASE_SETTINGS,
  ...STORE_SETTINGS,
  ...BACKUP_SETTINGS,
  ...RETENTION_SETTINGS,
  ...LOCK_SETTINGS,
  ...SCHEDULE_SETTINGS,
  ...VERIFY_SETTINGS,
  ...CONTAINER_SETTINGS,
  ...HEALTH_SETTINGS,
  ...MEDIA_SETTINGS,
  ...AUDIT_SETTINGS,
  ...LOG_SETTINGS,
};

/** The name of a setting in the typed configuration. */
export type SettingName = keyof typeof SETTINGS;
