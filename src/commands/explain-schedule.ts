import { readConfig } from '../config/config.ts';
import { SCHEDULE_SETTINGS } from '../config/settings/schedule.ts';
import { ConfigError, EXIT } from '../errors.ts';
import { retentionRules } from '../retention/rules.ts';
import { isHasty, warnOfHaste } from '../schedule/announce.ts';
import { describeSchedule } from '../schedule/describe-schedule.ts';
import { parseSchedule } from '../schedule/parse-schedule.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { requireNextTime, upcomingTimes } from '../schedule/times.ts';
import { formatInZone } from '../schedule/zone.ts';
import { formatTime } from '../ui/format.ts';
import { renderTable } from '../ui/table.ts';
import { type Invocation, openSession } from './session.ts';
import { parseTime, TIME_FORM } from './time-option.ts';

const DEFAULT_COUNT = '5';
const MOST = 1000;

/** The options of `service --explain`, as given. */
export interface ExplainOptions {
  /** The schedule. */
  readonly explain: string;
  readonly from?: string | undefined;
  readonly count?: string | undefined;
}

/** `service --explain SPEC`: what a schedule means, and when it is due next. @returns the exit status */
export function explainSchedule(invocation: Invocation, options: ExplainOptions): number {
  if (options.explain.trim() === '')
    throw usage('--explain is empty', `give ${SCHEDULE_SETTINGS.schedule.form}`);
  if (invocation.flags.schedule !== undefined)
    throw usage('--explain and --schedule cannot be combined', 'give the schedule to --explain alone');
  const { config, now, log, print } = openSession(invocation, ['zone']);
  const schedule = parseSchedule(options.explain, config.zone);
  const next = nextTimes(schedule, readFrom(options.from) ?? now(), readCount(options.count));
  if (isHasty(schedule)) {
    log.warn(warnOfHaste(schedule, retentionRules(readConfig(invocation, ['retention']))));
  }
  const words = describeSchedule(schedule);
  const { spec, zone } = schedule;
  print(
    { spec, zone: zone.name, words, next: next.map((time) => time.toISOString()) },
    [`${words} (${zone.name})`, ...(next.length === 0 ? [] : ['', renderTimes(schedule, next)])].join('\n'),
  );
  return EXIT.done;
}

function nextTimes(schedule: Schedule, from: Date, count: number): Date[] {
  if (schedule.kind === 'none') return [];
  requireNextTime(schedule, from);
  return upcomingTimes(schedule, from, count);
}

function renderTimes({ zone }: Schedule, times: readonly Date[]): string {
  if (zone.name === 'UTC') {
    return renderTable(
      ['next'],
      times.map((time) => [formatTime(time)]),
    );
  }
  return renderTable(
    ['next', 'UTC'],
    times.map((time) => [formatInZone(zone, time), formatTime(time)]),
  );
}

function readFrom(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = parseTime(text);
  if (time === undefined) throw usage(`--from: ${JSON.stringify(text)} is not accepted`, `give ${TIME_FORM}`);
  return time;
}

function readCount(text = DEFAULT_COUNT): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST) return count;
  throw usage(`--count: ${JSON.stringify(text)} is not accepted`, `give a number from 1 to ${MOST}`);
}

function usage(problem: string, remedy: string): ConfigError {
  return new ConfigError({ doing: 'cannot explain the schedule', problem, remedy });
}
