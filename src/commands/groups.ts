// The groups of settings that each command reads: the program offers the flags of exactly these. A command that does
// several things reads part of its groups for each.

/** A whole run: backup, sweep and pruning under the lock. */
export const RUN_GROUPS = [
  'database',
  'store',
  'backup',
  'media',
  'references',
  'tools',
  'retention',
  'guard',
  'zone',
  'lock',
] as const;

/** An audit of backups. */
export const BACKUP_AUDIT_GROUPS = ['store', 'media', 'references', 'dump-audit', 'tools'] as const;

/** An audit of the database, and of the backups that protect objects. */
export const AUDIT_GROUPS = ['database', ...BACKUP_AUDIT_GROUPS, 'audit'] as const;

/** An audit that moves the orphans. */
export const QUARANTINE_GROUPS = [...AUDIT_GROUPS, 'lock'] as const;

/** A purge of what was moved, which checks rows and backups once more. */
export const PURGE_GROUPS = ['database', ...BACKUP_AUDIT_GROUPS, 'lock'] as const;

/** What a backup recorded about its media, and what is in quarantine. */
export const MEDIA_GROUPS = ['store', 'media'] as const;

/** Scheduled backups, verifications and audits. */
export const SERVICE_GROUPS = [
  ...RUN_GROUPS,
  'schedule',
  'service',
  'verify',
  'audit',
  'dump-audit',
  'audit-schedule',
] as const;

/** Deciding which backups to keep. */
export const DECISION_GROUPS = ['store', 'retention', 'guard', 'zone'] as const;

/** Storing a dump, and foreseeing whether the next backup is going to delete it. */
export const PUSH_GROUPS = ['store', 'backup', 'tools', 'retention', 'zone'] as const;

/** The same, and the lock under which the others are deleted. */
export const PRUNE_GROUPS = [...DECISION_GROUPS, 'database', 'lock'] as const;

/** A restore of a local file. */
export const FILE_RESTORE_GROUPS = ['database', 'tools', 'lock'] as const;

/** A restore from the bucket. */
export const RESTORE_GROUPS = [...FILE_RESTORE_GROUPS, 'store'] as const;

/** Reading backups. */
export const READ_GROUPS = ['store', 'tools'] as const;

/** The same, and the server for the scratch database. */
export const DRILL_GROUPS = [...READ_GROUPS, 'database', 'drill'] as const;

export const LIST_GROUPS = ['store', 'guard'] as const;

export const SHOW_GROUPS = ['store'] as const;

export const DOCTOR_GROUPS = ['database', 'store', 'media', 'tools'] as const;

export const HEALTH_GROUPS = ['store', 'schedule', 'service', 'zone', 'guard', 'health'] as const;
