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
    about: 'Most parts of one upload that the S3 server takes (Scaleway: 1000).',
  },
  partsInFlight: {
    group: 'backup',
    names: ['S3_PARTS_IN_FLIGHT'],
    schema: wholeNumber(1, 32),
    fallback: '3',
    form: 'a number of parts, 1 to 32',
    about: 'Most parts held in memory and sent at the same time; fewer as parts grow.',
  },
});
