import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { ConfigError, StoppedError } from '../errors.ts';

/** Asks before something is destroyed. */
export type Confirm = (question: string) => Promise<void>;

/**
 * On a terminal a person is asked; elsewhere `--yes` has to be given.
 *
 * @throws ConfigError when the answer is no, or nobody can be asked; StoppedError at Ctrl-C
 */
export function createConfirm(options: {
  readonly yes: boolean;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}): Confirm {
  return async (question) => {
    if (options.yes) return;
    if (!options.input.isTTY || !options.output.isTTY) {
      throw new ConfigError({ doing: question, problem: 'nobody can be asked here', remedy: 'give --yes' });
    }
    const lines = createInterface({ input: options.input, output: options.output });
    const interrupt = new AbortController();
    // A terminal that is read key by key sends no signal for Ctrl-C.
    lines.on('SIGINT', () => interrupt.abort(new StoppedError('SIGINT')));
    const signal = AbortSignal.any([options.signal, interrupt.signal]);
    // A terminal that is closed (Ctrl-D) gives no answer, which is a no.
    const closed = once(lines, 'close').then(() => '');
    try {
      const answer = await Promise.race([lines.question(`${question}? [y/N] `, { signal }), closed]);
      if (/^y(es)?$/i.test(answer.trim())) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    } finally {
      lines.close();
    }
    throw new ConfigError({ doing: question, problem: 'the answer was no; nothing was changed' });
  };
}
