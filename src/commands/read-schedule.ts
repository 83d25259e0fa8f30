import { givenAs } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import { parseSchedule } from '../schedule/parse-schedule.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { requireNextTime } from '../schedule/times.ts';
import type { Invocation } from './session.ts';

type ScheduleName = 'schedule' | 'verifySchedule' | 'auditSchedule';
type Texts<N extends ScheduleName> = Readonly<Record<N | 'zone', string>>;
type Sources = Pick<Invocation, 'flags' | 'env'>;

/**
 * The schedule that a setting holds.
 *
 * @throws ConfigError that names the variable or the flag which it was given by
 */
export function readSchedule<N extends ScheduleName>(name: N, config: Texts<N>, sources: Sources): Schedule {
  return parseSchedule(config[name], config.zone, givenAs(name, sources));
}

/**
 * The schedules that several settings hold, by their names.
 *
 * @param now from when on each has to have a time
 * @throws ConfigError that tells what is wrong with each of them
 */
export function readSchedules<N extends ScheduleName>(
  names: readonly N[],
  config: Texts<N>,
  sources: Sources,
  now: Date,
): Readonly<Record<N, Schedule>> {
  const errors: ConfigError[] = [];
  const schedules = names.flatMap((name) => {
    try {
      const schedule = readSchedule(name, config, sources);
      if (schedule.kind !== 'none') requireNextTime(schedule, now);
      return [[name, schedule]];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error);
      return [];
    }
  });
  const [first] = errors;
  if (first === undefined) return Object.fromEntries(schedules) as Record<N, Schedule>;
  if (errors.length === 1) throw first;
  const problem = errors.map(({ message }) => message).join('; ');
  throw new ConfigError({ doing: 'cannot start the service', problem });
}
