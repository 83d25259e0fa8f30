import { formatTime } from '../ui/format.ts';
import type { Timetable } from './schedule.ts';
import { upcomingTimes } from './times.ts';
import { describeSchedule } from './words.ts';

/** What the service says of a job at its start: `backup: every day at 00:00 (UTC), next …`, three times. */
export function announceTimes(name: string, schedule: Timetable, now: Date): string {
  const next = upcomingTimes(schedule, now, 3).map(formatTime).join(', ');
  return `${name}: ${describeSchedule(schedule)} (${schedule.zone.name}), next ${next}`;
}
