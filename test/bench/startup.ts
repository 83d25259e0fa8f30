import { inTurns, median, type Subject } from './bench.ts';
import { runProcess, runTool } from './run-process.ts';

const ROUNDS = 15;

/** How long the program takes to answer when there is nothing to do. */
export const STARTUP: Subject = {
  name: 'startup',
  about: '`--version`, against Node with nothing to do',
  async run({ env, signal }) {
    const { first, second } = await inTurns(
      ROUNDS,
      () => runProcess(process.execPath, ['--eval', '0'], { PATH: process.env.PATH }, signal),
      () => runTool(['--version'], env, signal),
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
