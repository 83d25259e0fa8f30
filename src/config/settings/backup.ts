import { wholeNumber } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/** How a dump is cut into parts. */
export const BACKUP_SETTINGS = defineSettings({
  maxParts: {
    group: 'backup',
    names: ['S3_MAX_PARTS'],
    schema: wholeNumber(1, 10_000),
    fallback: '10000',
    form: 'a number of parts, 1 to 10000',
    about: 'Maximum number of parts per upload the S3 server accepts (Scaleway: 1000).',
  },
  partsInFlight: {
    group: 'backup',
    names: ['S3_PARTS_IN_FLIGHT'],
    schema: wholeNumber(1, 32),
    fallback: '3',
    form: 'a number of parts, 1 to 32',
    about: 'Maximum number of parts held in memory and sent at once; fewer as parts grow.',
  },
});
