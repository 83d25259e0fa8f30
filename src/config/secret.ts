import { inspect } from 'node:util';

/** A value that shows itself as `**redacted**` wherever it is printed, logged or serialised. */
export interface Secret {
  /** The current value, for the one place that sends it to a server; a file that holds it may be rewritten. */
  reveal(): string;
}

/**
 * Wraps a value as soon as it is read, so that nothing else holds it in the clear.
 *
 * @param readAgain returns the current value if it can change; undefined if it cannot be determined
 */
export function secret(value: string, readAgain: () => string | undefined = () => undefined): Secret {
  const shown = () => '**redacted**';
  let last = value;
  return Object.freeze({
    reveal() {
      last = readAgain() ?? last;
      return last;
    },
    toString: shown,
    toJSON: shown,
    [inspect.custom]: shown,
  });
}
