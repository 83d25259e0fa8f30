import { PROGRAM } from '../support/topobank-backup.ts';
import { inTurns, median, type Subject } from './bench.ts';
import { runProcess } from './run-process.ts';

const ROUNDS = 15;

/** How long the program takes to answer when there is nothing to do. */
export const STARTUP: Subject = {
  name: 'startup',
  about: '`--version`, against Node with nothing to do',
  async run({ signal }) {
    const node = (args: readonly string[]) => () =>
      runProcess(process.execPath, args, { PATH: process.env.PATH }, signal);
    const { first, second } = await inTurns(
      ROUNDS,
      node(['--eval', '0']),
      // Without what reports its usage, which takes a moment of its own.
      node([PROGRAM, '--version']),
    );
    const baseline = median(first.map(({ ms }) => ms));
    const measured = median(second.map(({ ms }) => ms));
    return [
      {
        subject: '--version',
        measured: `${measured.toFixed(0)} ms`,
        baseline: `node -e 0 ${baseline.toFixed(0)} ms`,
        ratio: measured / baseline,
        goal: '< 150 ms',
      },
    ];
  },
};
