import { inspect } from 'node:util';

/** A value that shows itself as `**redacted**` wherever it is printed, logged or serialised. */
export interface Secret {
  /** The value, for the one place that sends it to a server. */
  reveal(): string;
}

/** Wraps a value as soon as it is read, so that nothing else holds it in the clear. */
export function secret(value: string): Secret {
  const shown = () => '**redacted**';
  return Object.freeze({
    reveal: () => value,
    toString: shown,
    toJSON: shown,
    [inspect.custom]: shown,
  });
}
