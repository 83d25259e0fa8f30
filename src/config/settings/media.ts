import * as v from 'valibot';
import { flag, keyPrefix, text, wholeNumber } from '../forms.ts';
import { defineSettings } from '../setting.ts';

const mediaPrefix = v.pipe(
  text,
  v.check((value) => !/\p{Cc}/u.test(value)),
  v.transform((value) => value.replace(/^\/+|\/+$/g, '')),
  v.transform((value) => (value === '' ? '' : `${value}/`)),
);

/** Where media lie, and which rows own them. */
export const MEDIA_SETTINGS = defineSettings({
  mediaPrefix: {
    group: 'media',
    names: ['AWS_MEDIA_PREFIX'],
    schema: mediaPrefix,
    fallback: 'media',
    emptyIsUnset: true,
    form: 'a prefix such as media, or / for the whole bucket',
    about: 'Where media objects lie in the bucket; `/` stands for all of it.',
  },
  auditReferences: {
    group: 'references',
    names: ['AUDIT_REFERENCES'],
    flag: 'references',
    schema: text,
    optional: true,
    form: 'a JSON array, or the path of a file that holds one',
    about:
      'Rows that own objects beside TopoBank’s own, as JSON or the name of a file of it: see docs/MEDIA.md.',
  },
  auditReaders: {
    group: 'references',
    names: ['AUDIT_READERS'],
    schema: wholeNumber(1, 64),
    fallback: '4',
    form: 'a number of requests, 1 to 64',
    about: 'Requests for listings that are sent at the same time.',
  },
  mediaManifest: {
    group: 'media',
    names: ['MEDIA_MANIFEST'],
    schema: flag,
    fallback: 'on',
    emptyIsUnset: true,
    form: 'on or off',
    about: 'Whether a backup records the media that its rows name.',
  },
  quarantinePrefix: {
    group: 'media',
    names: ['QUARANTINE_PREFIX'],
    schema: keyPrefix,
    fallback: 'quarantine/',
    form: 'a prefix such as quarantine/ without a leading slash',
    about: 'Where orphans go that are moved out of the way.',
  },
});
