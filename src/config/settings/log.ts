import * as v from 'valibot';
import { defineSettings } from '../setting.ts';

/** What is logged, and how. */
export const LOG_SETTINGS = defineSettings({
  logLevel: {
    group: 'log',
    names: ['LOG_LEVEL'],
    schema: v.picklist(['debug', 'info', 'warn', 'error']),
    fallback: 'info',
    form: 'debug, info, warn or error',
    about: 'Lowest level to log: `debug` (also shows stack traces), `info`, `warn` or `error`.',
  },
  logFormat: {
    group: 'log',
    names: ['LOG_FORMAT'],
    schema: v.picklist(['text', 'json']),
    fallback: 'text',
    form: 'text or json',
    about: 'Log format: `text` (plain lines) or `json` (JSON lines).',
  },
});
