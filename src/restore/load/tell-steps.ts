import { formatCount, formatFirst } from '../../ui/format.ts';

/** How many names of what is being run are told. */
const NAMED = 3;

/** Tells of statements during which no bytes move, and of which one may take hours. */
export interface StepTeller {
  /** Says how many are about to be run. */
  expect(count: number): void;
  /** @param name what is made, or worked on; it may be unknown */
  run<T>(name: string | undefined, work: () => Promise<T>): Promise<T>;
}

/**
 * @param what what they make, for people
 * @param onStep receives `indexes and constraints: 3 of 14 done, now files_manifest_pkey` at each change
 */
export function tellSteps(what: string, onStep: (step: string) => void): StepTeller {
  const running: string[] = [];
  let done = 0;
  let known = 0;

  function tell(): void {
    const all = done < known ? ` of ${formatCount(known)}` : '';
    const now = running.length === 0 ? '' : `, now ${formatFirst(running, NAMED)}`;
    onStep(`${what}: ${formatCount(done)}${all} done${now}`);
  }

  return {
    expect(count) {
      known = done + count;
    },
    async run(name, work) {
      if (name !== undefined) running.push(name);
      tell();
      const result = await work();
      done += 1;
      if (name !== undefined) running.splice(running.indexOf(name), 1);
      tell();
      return result;
    },
  };
}

/** What the statements after the rows make, for the most part. */
export const AFTER_ROWS = 'indexes and constraints';
