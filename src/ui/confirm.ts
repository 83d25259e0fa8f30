import { createInterface } from 'node:readline/promises';
import { ConfigError } from '../errors.ts';

/** Asks before something is destroyed. */
export type Confirm = (question: string) => Promise<void>;

/**
 * On a terminal a person is asked; elsewhere `--yes` has to be given.
 *
 * @throws ConfigError when the answer is no, or nobody can be asked
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
    try {
      const answer = await lines.question(`${question}? [y/N] `, { signal: options.signal });
      if (/^y(es)?$/i.test(answer.trim())) return;
    } catch (error) {
      throw options.signal.aborted ? options.signal.reason : error;
    } finally {
      lines.close();
    }
    throw new ConfigError({ doing: question, problem: 'the answer was no; nothing was changed' });
  };
}
