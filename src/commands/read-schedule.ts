import { givenAs } from '../config/config.ts';
import { parseSchedule } from '../schedule/parse-schedule.ts';
import type { Schedule } from '../schedule/schedule.ts';
import type { Invocation } from './session.ts';

type ScheduleName = 'schedule' | 'verifySchedule' | 'auditSchedule';

/**
 * The schedule that a setting holds.
 *
 * @throws ConfigError that names the variable or the flag which it was given by
 */
export function readSchedule<N extends ScheduleName>(
  name: N,
  config: Readonly<Record<N | 'zone', string>>,
  sources: Pick<Invocation, 'flags' | 'env'>,
): Schedule {
  return parseSchedule(config[name], config.zone, givenAs(name, sources));
}
