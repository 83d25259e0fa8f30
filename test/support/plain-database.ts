import type { CreationOptions } from '../../src/postgres/facts.ts';

/** What a database of no particular locale and place is created with. */
export const PLAIN_CREATION = {
  encoding: 'UTF8',
  collate: 'C',
  ctype: 'C',
  provider: null,
  providerLocale: null,
  icuRules: null,
  tablespace: null,
} satisfies CreationOptions;
