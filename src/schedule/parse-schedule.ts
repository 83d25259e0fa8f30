import { ConfigError } from '../errors.ts';
import { FieldProblem, parseCronFields } from './cron-fields.ts';
import { parseGoDuration } from './go-duration.ts';
import type { CronFields, Schedule } from './schedule.ts';
import { openZone, type Zone } from './zone.ts';

const DESCRIPTORS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 0 1 1 *'],
  ['@annually', '0 0 0 1 1 *'],
  ['@monthly', '0 0 0 1 * *'],
  ['@weekly', '0 0 0 * * 0'],
  ['@daily', '0 0 0 * * *'],
  ['@midnight', '0 0 0 * * *'],
  ['@hourly', '0 0 * * * *'],
]);

const EXAMPLE = 'give, for example, "@daily", "@every 6h" or "0 30 2 * * *" (every day at 02:30)';

/**
 * Reads a schedule in the grammar of robfig/cron, in which TopoBank's `DBBACKUP_SCHEDULE` is written: `none`,
 * `@daily` and similar names, `@every 1h30m`, five fields starting with minutes, or six starting with seconds. Any of
 * these may follow `TZ=Area/City ` or `CRON_TZ=Area/City `, which gives a zone other than `defaultZone`.
 *
 * @param from where it was given, for messages: `VERIFY_SCHEDULE`
 * @throws ConfigError naming the field, what is wrong with it, and an example
 */
export function parseSchedule(given: string, defaultZone: string, from?: string): Schedule {
  const spec = given.trim();
  const title = from === undefined ? JSON.stringify(spec) : `${JSON.stringify(spec)} from ${from}`;
  const doing = `cannot read the schedule ${title}`;
  const [, zoneName, behind] = /^(?:CRON_)?TZ=(\S*)(?:\s+(.*))?$/s.exec(spec) ?? [];
  const zone = zoneOf(zoneName ?? defaultZone, doing);
  const times = zoneName === undefined ? spec : (behind ?? '');
  if (times === 'none') return { kind: 'none', spec, title, zone };
  if (/^@every(\s|$)/.test(times)) {
    const seconds = parseInterval(times.slice('@every'.length).trim(), doing);
    return { kind: 'every', spec, title, zone, seconds };
  }
  return { kind: 'cron', spec, title, zone, fields: parseTimes(times, doing) };
}

function zoneOf(name: string, doing: string): Zone {
  const zone = openZone(name);
  if (zone !== undefined) return zone;
  throw new ConfigError({
    doing,
    problem: `the time zone ${JSON.stringify(name)} is unknown`,
    remedy: 'give a name from the time zone database, for example "TZ=Europe/Berlin @daily"',
  });
}

function parseInterval(text: string, doing: string): number {
  const remedy = 'give, for example, "@every 1h30m", "@every 90m" or "@every 1.5h"';
  const duration = parseGoDuration(text);
  if ('problem' in duration) throw new ConfigError({ doing, problem: `@every: ${duration.problem}`, remedy });
  if (duration.nanoseconds < 0n) {
    throw new ConfigError({ doing, problem: '@every: the duration is negative', remedy });
  }
  // As in robfig/cron, fractions of a second are cut off, and less than one second becomes one.
  return Math.max(1, Number(duration.nanoseconds / 1_000_000_000n));
}

function parseTimes(times: string, doing: string): CronFields {
  const described = DESCRIPTORS.get(times);
  if (described === undefined && times.startsWith('@')) throw unknownDescriptor(times, doing);
  try {
    const fields = parseCronFields(described ?? times);
    if (fields !== undefined) return fields;
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error;
    throw new ConfigError({ doing, problem: error.message, remedy: error.example });
  }
  const count = times === '' ? 0 : times.split(/\s+/).length;
  throw new ConfigError({
    doing,
    problem: `expected 5 fields (starting with minutes) or 6 (starting with seconds), found ${count}`,
    remedy: EXAMPLE,
  });
}

function unknownDescriptor(times: string, doing: string): ConfigError {
  if (times === '@reboot') {
    return new ConfigError({
      doing,
      problem: '@reboot is not supported',
      remedy: 'give times, for example "@daily", and set BACKUP_ON_START=always for a backup at each start',
    });
  }
  return new ConfigError({
    doing,
    problem: `${times} is not one of ${[...DESCRIPTORS.keys()].join(', ')} or @every`,
    remedy: EXAMPLE,
  });
}
