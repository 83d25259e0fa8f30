import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import type { SettingGroup } from '../../../src/config/setting.ts';

const HOUR = 3_600_000;

function read(env: Record<string, string>) {
  const groups = ['retention', 'guard', 'lock', 'health', 'zone'] as const satisfies SettingGroup[];
  return readConfig({ env, flags: {} }, groups);
}

const span = (given: Record<string, number>) => ({
  years: 0,
  months: 0,
  weeks: 0,
  days: 0,
  hours: 0,
  ...given,
});

test('without any rule the newest ten stay, and a dump of less than half holds', () => {
  expect(read({})).toMatchObject({
    maxBackups: 10,
    keepDaily: 0,
    keepWeekly: 0,
    keepMonthly: 0,
    keepYearly: 0,
    keepWithin: undefined,
    shrinkGuard: 0.5,
    lockWait: 0,
    healthGrace: undefined,
    zone: 'UTC',
  });
});

test.each<[name: string, text: string, key: string, value: unknown]>([
  ['MAX_BACKUPS', '0', 'maxBackups', 0],
  ['MAX_BACKUPS', ' 14 ', 'maxBackups', 14],
  ['KEEP_YEARLY', '100000', 'keepYearly', 100_000],
  ['KEEP_WITHIN', '30d', 'keepWithin', { text: '30d', span: span({ days: 30 }) }],
  ['KEEP_WITHIN', '12h', 'keepWithin', { text: '12h', span: span({ hours: 12 }) }],
  ['KEEP_WITHIN', '2w', 'keepWithin', { text: '2w', span: span({ weeks: 2 }) }],
  ['KEEP_WITHIN', '1y6m', 'keepWithin', { text: '1y6m', span: span({ years: 1, months: 6 }) }],
  [
    'KEEP_WITHIN',
    '1y2m3w4d5h',
    'keepWithin',
    { text: '1y2m3w4d5h', span: { years: 1, months: 2, weeks: 3, days: 4, hours: 5 } },
  ],
  ['SHRINK_GUARD', '0', 'shrinkGuard', 0],
  ['SHRINK_GUARD', '.25', 'shrinkGuard', 0.25],
  ['SHRINK_GUARD', '0.9', 'shrinkGuard', 0.9],
  ['SHRINK_GUARD', '1', 'shrinkGuard', 1],
  ['LOCK_WAIT', '0', 'lockWait', 0],
  ['LOCK_WAIT', '90s', 'lockWait', 90_000],
  ['LOCK_WAIT', '10m', 'lockWait', HOUR / 6],
  ['HEALTH_GRACE', '1h30m', 'healthGrace', 1.5 * HOUR],
  ['HEALTH_GRACE', '2d', 'healthGrace', 48 * HOUR],
  ['HEALTH_GRACE', '24d', 'healthGrace', 24 * 24 * HOUR],
])('%s=%s is read', (name, text, key, value) => {
  expect(read({ [name]: text })).toMatchObject({ [key]: value });
});

test.each<[name: string, text: string]>([
  ['MAX_BACKUPS', '-1'],
  ['MAX_BACKUPS', '1.5'],
  ['MAX_BACKUPS', '100001'],
  ['KEEP_DAILY', 'all'],
  ['KEEP_WITHIN', '30'],
  ['KEEP_WITHIN', '30D'],
  ['KEEP_WITHIN', '5d1y'],
  ['KEEP_WITHIN', '1d 2h'],
  ['KEEP_WITHIN', '90s'],
  ['SHRINK_GUARD', '1.1'],
  ['SHRINK_GUARD', '-0.5'],
  ['SHRINK_GUARD', '50%'],
  ['SHRINK_GUARD', '.'],
  ['LOCK_WAIT', '10'],
  ['LOCK_WAIT', '10 m'],
  ['LOCK_WAIT', '1w'],
  ['HEALTH_GRACE', '25'],
  ['HEALTH_GRACE', '-1h'],
  ['TZ', 'Berlin'],
])('%s=%s is refused with the accepted form', (name, text) => {
  expect(() => read({ [name]: text })).toThrow(
    `${name}: ${JSON.stringify(text)} is not accepted, expected a`,
  );
});
