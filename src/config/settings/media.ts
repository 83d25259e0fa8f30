import * as v from 'valibot';
import { bareText, flag, keyPrefix, text, wholeNumber } from '../forms.ts';
import { defineSettings } from '../setting.ts';

const mediaPrefix = v.pipe(
  bareText,
  v.check((value) => !/\p{Cc}/u.test(value)),
  v.transform((value) => value.replace(/^\/+|\/+$/g, '')),
  v.transform((value) => (value === '' ? '' : `${value}/`)),
);

/** Where media are, and which rows own them. */
export const MEDIA_SETTINGS = defineSettings({
  mediaPrefix: {
    group: 'media',
    names: ['AWS_MEDIA_PREFIX'],
    schema: mediaPrefix,
    fallback: 'media',
    emptyIsUnset: true,
    form: 'a prefix such as media, or / for the whole bucket',
    about: 'Prefix of media objects in the bucket; `/` means the whole bucket.',
  },
  auditReferences: {
    group: 'references',
    names: ['AUDIT_REFERENCES'],
    flag: 'references',
    schema: text,
    optional: true,
    form: 'a JSON array, or the path of a file containing one',
    about: 'Additional rows that own objects, as JSON or a file containing it; see docs/MEDIA.md.',
  },
  auditReaders: {
    group: 'references',
    names: ['AUDIT_READERS'],
    schema: wholeNumber(1, 64),
    fallback: '4',
    form: 'a number of requests, 1 to 64',
    about: 'Number of listing requests to send in parallel.',
  },
  mediaManifest: {
    group: 'media',
    names: ['MEDIA_MANIFEST'],
    schema: flag,
    fallback: 'on',
    emptyIsUnset: true,
    form: 'on or off',
    about: 'Record with each backup the media that its rows name: `on` or `off`.',
  },
  quarantinePrefix: {
    group: 'media',
    names: ['QUARANTINE_PREFIX'],
    schema: keyPrefix,
    fallback: 'quarantine/',
    form: 'a prefix such as quarantine/ without a leading slash',
    about: 'Prefix that orphans are moved to.',
  },
});
