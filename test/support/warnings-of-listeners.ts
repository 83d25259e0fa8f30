import { setImmediate } from 'node:timers/promises';

/** What Node warns of, on stderr of a program, when more listen to a signal than it takes for no leak. */
export async function warningsOfListeners(signal: AbortSignal): Promise<string[]> {
  const warnings: string[] = [];
  const keep = (warning: Error) => void warnings.push(warning.name);
  const listeners = Array.from({ length: 20 }, () => () => {});
  process.on('warning', keep);
  try {
    for (const listener of listeners) signal.addEventListener('abort', listener);
    // A warning comes at the end of the turn.
    await setImmediate();
  } finally {
    process.off('warning', keep);
    for (const listener of listeners) signal.removeEventListener('abort', listener);
  }
  return warnings;
}
