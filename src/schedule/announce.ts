import type { Database } from '../postgres/database.ts';
import type { RetentionRules } from '../retention/rules.ts';
import type { Store } from '../s3/store.ts';
import { formatDuration, formatNumber, formatTime } from '../ui/format.ts';
import { describeSchedule } from './describe-schedule.ts';
import type { Job } from './run-job.ts';
import type { Schedule } from './schedule.ts';
import { upcomingTimes } from './times.ts';

/** From where to where backups go, and what takes them. */
interface Route {
  readonly tool: string;
  readonly database: Pick<Database, 'name' | 'server' | 'user'>;
  readonly store: Pick<Store, 'bucket' | 'endpoint'>;
  /** Prefix of backups in the bucket. */
  readonly prefix: string;
}

/** What the service logs first: whoever has lost the settings finds in its log where the backups are. */
export function announceRoute({ tool, database, store, prefix }: Route): string {
  const source = `database ${database.name} on ${database.server} as ${database.user}`;
  return `${tool} backs up ${source} to ${prefix} in bucket ${store.bucket} on ${store.endpoint}`;
}

/** What the service logs about a job when it starts: `backup: every day at 00:00 (UTC), next …`, with three times. */
export function announceTimes(
  { name, schedule, randomDelay, runAtStart }: Omit<Job, 'run'>,
  now: Date,
): string {
  const next = upcomingTimes(schedule, now, 3).map(formatTime).join(', ');
  // The first run may find that the interval began earlier.
  const latest = schedule.kind === 'every' && runAtStart ? ' at the latest' : '';
  const delay = randomDelay === 0 ? '' : `, each delayed by up to ${formatDuration(randomDelay)}`;
  return `${name}: ${describeSchedule(schedule)} (${schedule.zone.name}), next ${next}${latest}${delay}`;
}

/** Whether two of its times may be within one minute. */
export function isHasty(schedule: Schedule): boolean {
  if (schedule.kind === 'every') return schedule.seconds < 60;
  return schedule.kind === 'cron' && schedule.fields.second.values.length > 1;
}

/** The warning about backups by a schedule that {@link isHasty}: those that are kept may reach back only moments. */
export function warnOfHaste(schedule: Schedule, { newest, within }: RetentionRules): string {
  const kept = [
    newest === 0
      ? 'all of them (MAX_BACKUPS=0)'
      : `the newest ${formatNumber(newest, 'backup')} (MAX_BACKUPS)`,
    ...(within === undefined || newest === 0 ? [] : [`all of the last ${within.text} (KEEP_WITHIN)`]),
  ];
  return `${schedule.title} takes backups more than once a minute, and retention keeps ${kept.join(' and ')} — lengthen the interval, unless this is intended`;
}
