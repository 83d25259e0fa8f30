import { duration, durationForm } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** When `health` raises the alarm. */
export const HEALTH_SETTINGS = defineSettings({
  healthGrace: {
    group: 'health',
    names: ['HEALTH_GRACE'],
    flag: 'grace',
    schema: duration,
    optional: true,
    form: durationForm,
    about:
      'How late a backup may be before `health` fails; without it 1h, or a quarter of the schedule’s interval where that is more.',
  },
});
