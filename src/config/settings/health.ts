import { age, ageForm } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** When `health` raises the alarm. */
export const HEALTH_SETTINGS = defineSettings({
  healthGrace: {
    group: 'health',
    names: ['HEALTH_GRACE'],
    flag: 'grace',
    schema: age,
    optional: true,
    form: ageForm,
    about:
      'How late a backup may be before `health` fails; if unset, 1h or a quarter of the schedule’s interval, whichever is longer.',
  },
});
