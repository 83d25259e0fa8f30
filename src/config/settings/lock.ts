import { duration, durationForm } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** Concurrent runs. */
export const LOCK_SETTINGS = defineSettings({
  lockWait: {
    group: 'lock',
    names: ['LOCK_WAIT'],
    flag: 'lock-wait',
    schema: duration,
    fallback: '0',
    form: durationForm,
    about:
      'How long to wait for another run on the same database to end, such as `10m`; after that, exit with status 5.',
  },
});
