import { formatDuration, formatTime } from '../ui/format.ts';
import type { Job } from './run-job.ts';
import { upcomingTimes } from './times.ts';
import { describeSchedule } from './words.ts';

/** What the service says of a job at its start: `backup: every day at 00:00 (UTC), next …`, three times. */
export function announceTimes(
  { name, schedule, randomDelay, runAtStart }: Omit<Job, 'run'>,
  now: Date,
): string {
  const next = upcomingTimes(schedule, now, 3).map(formatTime).join(', ');
  // The first run may find that the interval has begun before.
  const latest = schedule.kind === 'every' && runAtStart ? ' at the latest' : '';
  const delay = randomDelay === 0 ? '' : `, each up to ${formatDuration(randomDelay)} later`;
  return `${name}: ${describeSchedule(schedule)} (${schedule.zone.name}), next ${next}${latest}${delay}`;
}
