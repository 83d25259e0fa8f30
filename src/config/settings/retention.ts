import * as v from 'valibot';
import { wholeNumber } from '../forms.ts';
import { defineSettings, type Setting } from '../setting.ts';

const count = wholeNumber(0, 100_000);
const countForm = 'a number, 0 to 100000';

function perUnit<const N extends string>(name: N, flag: string, unit: string) {
  return {
    group: 'retention',
    names: [name],
    flag,
    schema: count,
    fallback: '0',
    form: countForm,
    about: `Keep the newest backup of each of the last N ${unit} that have one.`,
  } as const satisfies Setting;
}

const SPAN = /^(?!$)(?:(\d{1,4})y)?(?:(\d{1,4})m)?(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?$/;

/** Years, months, weeks, days, hours, in this order. */
const span = v.pipe(
  v.string(),
  v.trim(),
  v.regex(SPAN),
  v.transform((text) => {
    const [years = 0, months = 0, weeks = 0, days = 0, hours = 0] = (SPAN.exec(text) ?? [])
      .slice(1)
      .map((digits: string | undefined) => Number(digits ?? 0));
    return { text, span: { years, months, weeks, days, hours } };
  }),
);

/** Which backups are kept. */
export const RETENTION_SETTINGS = defineSettings({
  maxBackups: {
    group: 'retention',
    names: ['MAX_BACKUPS'],
    flag: 'max-backups',
    schema: count,
    fallback: '10',
    form: `${countForm}; 0 keeps all`,
    about:
      'Number of newest backups of a database to keep; 0 keeps all. A backup stays if any rule keeps it: set this to 1 to leave the rest to `KEEP_*`.',
  },
  keepDaily: perUnit('KEEP_DAILY', 'keep-daily', 'days'),
  keepWeekly: perUnit('KEEP_WEEKLY', 'keep-weekly', 'ISO weeks'),
  keepMonthly: perUnit('KEEP_MONTHLY', 'keep-monthly', 'months'),
  keepYearly: perUnit('KEEP_YEARLY', 'keep-yearly', 'years'),
  keepWithin: {
    group: 'retention',
    names: ['KEEP_WITHIN'],
    flag: 'keep-within',
    schema: span,
    optional: true,
    form: 'a span such as 30d, 12h or 1y6m (y years, m months, w weeks, d days, h hours, in this order)',
    about:
      'Keep all backups taken within this span before the newest one: `30d`, `12h`, `1y6m` (`m` is months).',
  },
  shrinkGuard: {
    group: 'guard',
    names: ['SHRINK_GUARD'],
    flag: 'shrink-guard',
    schema: v.pipe(v.string(), v.trim(), v.regex(/^(\d|\d?\.\d{1,6})$/), v.transform(Number), v.maxValue(1)),
    fallback: '0.5',
    form: 'a fraction from 0 to 1 such as 0.5; 0 turns it off',
    about:
      'Prune nothing if the newest dump is smaller than this fraction of the one before it; `list` and `health` report it, and the last backup that is that much larger is kept. 0 turns this off.',
  },
});
