import pino from 'pino';
import pretty from 'pino-pretty';
import { escapeControls, escapeInStack } from './controls.ts';

/** Where an operation reports what it does. Everything goes to stderr. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `text` for people, `json` for one JSON object per line. */
  readonly format: 'text' | 'json';
  /** Writes each line where it does not collide with anything else on the terminal. */
  readonly aside?: (write: () => void) => void;
}

/**
 * Writes each line synchronously, so that none is lost when the program ends. In text format, control characters of a
 * message are escaped, because it may name an object.
 */
export function createLog({ level, format, aside = (write) => write() }: LogOptions): Logger {
  const stderr = 2;
  const destination =
    format === 'json'
      ? pino.destination({ dest: stderr, sync: true })
      : pretty({
          destination: stderr,
          sync: true,
          // hasColors() also heeds NO_COLOR and TERM.
          colorize: process.stderr.isTTY === true && process.stderr.hasColors(),
          translateTime: "UTC:yyyy-mm-dd HH:MM:ss'Z'",
          ignore: 'pid,hostname',
          singleLine: true,
        });
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const show = format === 'json' ? (message: string) => message : escapeControls;
  // Stack traces are logged at level debug only.
  const showDetail = format === 'json' ? show : escapeInStack;
  const write = (at: LogOptions['level'], line: string) => {
    if (log.isLevelEnabled(at)) aside(() => log[at](line));
  };
  return {
    debug: (message) => write('debug', showDetail(message)),
    info: (message) => write('info', show(message)),
    warn: (message) => write('warn', show(message)),
    error: (message) => write('error', show(message)),
  };
}
