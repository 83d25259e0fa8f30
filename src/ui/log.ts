import pino from 'pino';
import pretty from 'pino-pretty';
import { escapeControls, escapeInStack } from './controls.ts';

/** Where an operation says what it does. Everything goes to stderr. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `text` for people, `json` for one JSON object a line. */
  readonly format: 'text' | 'json';
}

/**
 * Writes each line at once, so that none is lost when the program ends. People see control characters of a message
 * escaped, for it may name an object.
 */
export function createLog({ level, format }: LogOptions): Logger {
  const stderr = 2;
  const destination =
    format === 'json'
      ? pino.destination({ dest: stderr, sync: true })
      : pretty({
          destination: stderr,
          sync: true,
          colorize: process.stderr.isTTY === true,
          translateTime: "UTC:yyyy-mm-dd HH:MM:ss'Z'",
          ignore: 'pid,hostname',
          singleLine: true,
        });
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const show = format === 'json' ? (message: string) => message : escapeControls;
  // Stack traces are logged here alone.
  const showDetail = format === 'json' ? show : escapeInStack;
  return {
    debug: (message) => log.debug(showDetail(message)),
    info: (message) => log.info(show(message)),
    warn: (message) => log.warn(show(message)),
    error: (message) => log.error(show(message)),
  };
}
