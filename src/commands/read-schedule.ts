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
 * The schedule in a setting.
 *
 * @throws ConfigError naming the variable or flag that set it
 */
export function readSchedule<N extends ScheduleName>(name: N, config: Texts<N>, sources: Sources): Schedule {
  return parseSchedule(config[name], config.zone, givenAs(name, sources));
}

/**
 * The schedules in several settings, by name.
 *
 * @param now each schedule must have a time after this one
 * @throws ConfigError listing what is wrong with each of them
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
