import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { ConfigError, DeclinedError, StoppedError } from '../errors.ts';
import { escapeControls } from './controls.ts';

/** Asks for confirmation before something is destroyed. */
export interface Confirm {
  /**
   * @param purpose what is about to be done: `delete 3 of 5 backups`
   * @throws DeclinedError if the answer is no, StoppedError on Ctrl-C, and what {@link assertPossible} throws
   */
  (purpose: string): Promise<void>;
  /**
   * For a command that does long work before it asks.
   *
   * @throws ConfigError if nobody can be asked
   */
  assertPossible(purpose: string): void;
}

/** On a terminal a person is asked; elsewhere `--yes` is required. */
export function createConfirm(options: {
  readonly yes: boolean;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}): Confirm {
  const { yes, input, output } = options;

  function assertPossible(purpose: string): void {
    if (yes || (input.isTTY && output.isTTY)) return;
    throw new ConfigError({
      doing: purpose,
      problem: 'cannot ask for confirmation without a terminal',
      remedy: 'give --yes',
    });
  }

  async function confirm(purpose: string): Promise<void> {
    assertPossible(purpose);
    if (yes) return;
    const lines = createInterface({ input, output });
    const interrupt = new AbortController();
    // A terminal in raw mode sends no signal for Ctrl-C.
    lines.on('SIGINT', () => interrupt.abort(new StoppedError('SIGINT')));
    const signal = AbortSignal.any([options.signal, interrupt.signal]);
    // No answer counts as no: that of an input that is closed, and of Ctrl-D, for which Node rejects the question.
    const closed = once(lines, 'close').then(() => undefined);
    try {
      output.write(`${escapeControls(purpose)}\n`);
      const answer = await Promise.race([lines.question('continue? [y/N] ', { signal }), closed]);
      if (answer === undefined) output.write('\n');
      else if (/^y(es)?$/i.test(answer.trim())) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
      output.write('\n');
    } finally {
      lines.close();
    }
    throw new DeclinedError({ doing: purpose, problem: 'the answer was no; nothing was changed' });
  }

  return Object.assign(confirm, { assertPossible });
}
