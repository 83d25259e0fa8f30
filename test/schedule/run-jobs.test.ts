import { getEventListeners } from 'node:events';
import v8 from 'node:v8';
import vm from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LockedError, StoppedError, StoreError } from '../../src/errors.ts';
import type { Why } from '../../src/schedule/agenda.ts';
import { parseSchedule } from '../../src/schedule/parse-schedule.ts';
import type { Job } from '../../src/schedule/run-job.ts';
import { runJobs } from '../../src/schedule/run-jobs.ts';
import type { Timetable } from '../../src/schedule/schedule.ts';
import { upcomingTimes } from '../../src/schedule/times.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const timetable = (spec: string, zone = 'UTC') => parseSchedule(spec, zone) as Timetable;

interface JobOptions extends Omit<Job, 'name' | 'schedule' | 'run'> {
  /** How long it works, in milliseconds. */
  readonly takes: number;
  /** What it does besides. A date is its next time. */
  readonly run: (signal: AbortSignal, why: Why) => Promise<unknown>;
}

/** A service under a simulated clock, that is stopped after a while. */
function simulate(start = '2026-11-23T10:30:00Z') {
  const clock = createSimulatedClock(start);
  const stop = new AbortController();
  const runs: string[] = [];
  const lines: string[] = [];
  const say = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') };
  return {
    clock,
    stop,
    /** Begin and reason of each run: `backup 10:31:00 schedule`. */
    runs,
    /** What was logged, with its level. */
    lines,
    job(name: string, spec: string, given: Partial<JobOptions> = {}): Job {
      const { takes = 0, run, ...rest } = given;
      return {
        name,
        schedule: timetable(spec),
        randomDelay: 0,
        runAtStart: false,
        ...rest,
        async run(signal, why) {
          runs.push(`${name} ${clock.now().toISOString().slice(8, 19).replace('T', ' ')} ${why}`);
          if (takes > 0) await clock.sleep(takes, signal);
          const next = await run?.(signal, why);
          return next instanceof Date ? next : undefined;
        },
      };
    },
    async start(jobs: readonly Job[], forMs: number, random = () => 0): Promise<void> {
      clock.after(forMs, () => stop.abort(new StoppedError('SIGTERM')));
      try {
        await clock.play(runJobs(jobs, { since: clock.now(), clock, log, random }, stop.signal));
      } finally {
        expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
        expect(clock.sleeping).toBe(0);
      }
    },
  };
}

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/** Bytes that are held on to. */
function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const failing = async () => {
  throw new StoreError({ doing: 'cannot write', problem: '403 AccessDenied', remedy: 'grant s3:PutObject' });
};

test('each time runs once, to the second, however long the runs take in between', async () => {
  const { runs, lines, job, start } = simulate();
  await start([job('backup', '*/20 * * * *', { takes: 7 * MINUTE })], 2 * HOUR);
  expect(runs).toEqual([
    'backup 23 10:40:00 schedule',
    'backup 23 11:00:00 schedule',
    'backup 23 11:20:00 schedule',
    'backup 23 11:40:00 schedule',
    'backup 23 12:00:00 schedule',
    'backup 23 12:20:00 schedule',
  ]);
  expect(lines).toEqual([]);
});

test('an interval does not drift by what the runs take', async () => {
  const { runs, job, start } = simulate();
  await start([job('backup', '@every 25m', { takes: 90 * SECOND })], 2 * HOUR);
  expect(runs.map((run) => run.slice(10, 18))).toEqual(['10:55:00', '11:20:00', '11:45:00', '12:10:00']);
});

test('a run that is due while another works is skipped and said, and no queue grows', async () => {
  const { runs, lines, job, start } = simulate();
  await start([job('backup', '* * * * *', { takes: 150 * SECOND })], 10 * MINUTE);
  expect(runs.map((run) => run.slice(10, 18))).toEqual(['10:31:00', '10:34:00', '10:37:00']);
  expect(lines).toEqual([
    'warn backup skipped: due 2026-11-23 10:32:00 UTC to 2026-11-23 10:33:00 UTC, while the previous run was still active',
    'warn backup skipped: due 2026-11-23 10:35:00 UTC to 2026-11-23 10:36:00 UTC, while the previous run was still active',
    'warn backup skipped: due 2026-11-23 10:38:00 UTC to 2026-11-23 10:39:00 UTC, while the previous run was still active',
  ]);
});

test('of several jobs one works at a time: those due together in turn, one due meanwhile after them', async () => {
  const { runs, lines, job, start } = simulate();
  const jobs = [
    job('backup', '0 11 * * *', { takes: 30 * MINUTE }),
    job('verify', '0 11 * * *', { takes: 10 * MINUTE }),
    job('audit', '15 11 * * *', { takes: MINUTE }),
  ];
  await start(jobs, DAY);
  expect(runs).toEqual([
    'backup 23 11:00:00 schedule',
    'verify 23 11:30:00 schedule',
    'audit 23 11:40:00 schedule',
  ]);
  expect(lines).toEqual([
    'warn verify is late: it was due 2026-11-23 11:00:00 UTC',
    'warn audit is late: it was due 2026-11-23 11:15:00 UTC',
  ]);
});

test('what is due while another job works follows right after, once', async () => {
  const { runs, lines, job, start } = simulate();
  const jobs = [
    job('backup', '0,20,40 * * * *', { takes: MINUTE }),
    job('audit', '50 10 * * *', { takes: 45 * MINUTE }),
    job('verify', '55 10 * * *', { takes: MINUTE }),
  ];
  await start(jobs, 75 * MINUTE);
  expect(runs).toEqual([
    'backup 23 10:40:00 schedule',
    'audit 23 10:50:00 schedule',
    'verify 23 11:35:00 schedule',
    'backup 23 11:36:00 schedule',
    'backup 23 11:40:00 schedule',
  ]);
  expect(lines).toEqual([
    'warn verify is late: it was due 2026-11-23 10:55:00 UTC',
    'warn backup is late: it was due 2026-11-23 11:00:00 UTC',
  ]);
});

test('an interval goes on from where the job says, and not from the start of the service', async () => {
  const { runs, clock, job, start } = simulate();
  const run = async (_: AbortSignal, why: Why) =>
    why === 'start' ? new Date(clock.now().getTime() + 10 * MINUTE) : undefined;
  await start([job('backup', '@every 1h', { runAtStart: true, run })], 3 * HOUR);
  expect(runs).toEqual([
    'backup 23 10:30:00 start',
    'backup 23 10:40:00 schedule',
    'backup 23 11:40:00 schedule',
    'backup 23 12:40:00 schedule',
  ]);
});

test('a run at the start comes before the first time', async () => {
  const { runs, job, start } = simulate();
  await start([job('backup', '@hourly', { runAtStart: true })], 45 * MINUTE);
  expect(runs).toEqual(['backup 23 10:30:00 start', 'backup 23 11:00:00 schedule']);
});

test('a run that fails is tried again after 1, 5 and 15 minutes, with one line each, then at its next time', async () => {
  const { runs, lines, job, start } = simulate();
  await start([job('backup', '@daily', { run: failing })], 15 * HOUR);
  expect(runs).toEqual([
    'backup 24 00:00:00 schedule',
    'backup 24 00:01:00 schedule',
    'backup 24 00:06:00 schedule',
    'backup 24 00:21:00 schedule',
  ]);
  const why = 'cannot write: 403 AccessDenied — grant s3:PutObject';
  expect(lines).toEqual([
    `error backup failed, next try 2026-11-24 00:01:00 UTC: ${why}`,
    `error backup failed, next try 2026-11-24 00:06:00 UTC: ${why}`,
    `error backup failed, next try 2026-11-24 00:21:00 UTC: ${why}`,
    `error backup failed, next try 2026-11-25 00:00:00 UTC: ${why}`,
  ]);
});

test('no try comes when the next time comes first, and its failures count from none', async () => {
  const { runs, job, start } = simulate();
  await start([job('backup', '*/7 * * * *', { run: failing })], 20 * MINUTE);
  expect(runs.map((run) => run.slice(10, 18))).toEqual([
    '10:35:00',
    '10:36:00',
    '10:41:00',
    '10:42:00',
    '10:43:00',
    '10:48:00',
    '10:49:00',
  ]);
});

test('a run at the start that fails is tried again as such, and a success ends the tries', async () => {
  const { runs, lines, job, start } = simulate();
  let left = 2;
  const run = async () => {
    left -= 1;
    if (left >= 0) throw new Error('of no known kind');
  };
  await start([job('backup', '@daily', { runAtStart: true, run })], HOUR);
  expect(runs).toEqual(['backup 23 10:30:00 start', 'backup 23 10:31:00 start', 'backup 23 10:36:00 start']);
  expect(lines).toEqual([
    'error backup failed, next try 2026-11-23 10:31:00 UTC: unexpected: of no known kind',
    'error backup failed, next try 2026-11-23 10:36:00 UTC: unexpected: of no known kind',
  ]);
});

const locked = async () => {
  throw new LockedError({ doing: 'cannot begin', problem: 'pid 7 on host a holds the lock' });
};

test('a run that finds the lock taken is put off, which is no failure, and tried again until the next time', async () => {
  const { runs, lines, job, start } = simulate();
  await start([job('backup', '@hourly', { run: locked })], 90 * MINUTE + 30 * SECOND);
  expect(runs).toEqual([
    'backup 23 11:00:00 schedule',
    ...['01', '06', '21', '36', '51'].map((minute) => `backup 23 11:${minute}:00 instead`),
    'backup 23 12:00:00 schedule',
  ]);
  expect(lines).toEqual(
    ['11:01', '11:06', '11:21', '11:36', '11:51', '12:00', '12:01'].map(
      (next) =>
        `warn backup put off, next try 2026-11-23 ${next}:00 UTC: cannot begin: pid 7 on host a holds the lock`,
    ),
  );
});

test.each<[what: string, outcomes: readonly ('locked' | 'failed' | 'done')[], whys: string[]]>([
  ['a run at the start', ['locked', 'locked', 'done'], ['start', 'start', 'start']],
  ['a run that is tried again', ['failed', 'locked', 'done'], ['schedule', 'schedule', 'instead']],
  ['one in its place that fails', ['locked', 'failed', 'done'], ['schedule', 'instead', 'instead']],
])('%s keeps its reason when it finds the lock taken', async (_, outcomes, whys) => {
  const { runs, job, start } = simulate('2026-11-23T23:59:00Z');
  const run = async () => {
    const outcome = outcomes[runs.length - 1];
    if (outcome === 'failed') await failing();
    if (outcome === 'locked') await locked();
  };
  const runAtStart = whys.includes('start');
  await start([job('backup', runAtStart ? '0 12 * * *' : '@daily', { run, runAtStart })], HOUR);
  expect(runs.map((line) => line.split(' ').at(-1))).toEqual(whys);
  const [first = 0, second = 0, third = 0] = runs.map((line) =>
    Date.parse(`2026-11-${line.slice(7, 9)}T${line.slice(10, 18)}Z`),
  );
  expect([second - first, third - second]).toEqual([MINUTE, 5 * MINUTE]);
});

test('a random delay keeps every run between its time and the following one', async () => {
  const { runs, job, start } = simulate();
  const numbers = [0.5, 0.999, 0, 0.25];
  await start([job('backup', '@hourly', { randomDelay: 40 * MINUTE })], 4 * HOUR, () => numbers.shift() ?? 0);
  expect(runs.map((run) => run.slice(10, 18))).toEqual(['11:20:00', '12:39:57', '13:00:00', '14:10:00']);
  const other = simulate();
  await other.start([other.job('backup', '* * * * *', { randomDelay: HOUR })], 4 * MINUTE, () => 0.75);
  expect(other.runs.map((run) => run.slice(10, 18))).toEqual(['10:31:45', '10:32:45', '10:33:45']);
});

test('a schedule of each second keeps up, and sleeps in between', async () => {
  const { clock, runs, lines, job, start } = simulate();
  await start([job('backup', '* * * * * *', { takes: 400 })], 100 * SECOND + 500);
  expect(runs).toHaveLength(100);
  expect(new Set(runs).size).toBe(100);
  expect(lines).toEqual([]);
  expect(clock.sleeps.length).toBeLessThanOrEqual(202);
});

test.each([
  { what: 'is suspended', act: (clock: SimulatedClock) => clock.suspend(3 * DAY) },
  { what: 'has its clock set forward', act: (clock: SimulatedClock) => clock.set('2026-11-26T20:30:00Z') },
])(
  'a machine that $what makes up for all missed times in one run, and goes on as planned',
  async ({ act }) => {
    const { clock, runs, lines, job, start } = simulate();
    clock.after(10 * HOUR + 30 * SECOND, () => act(clock));
    await start([job('backup', '0 */6 * * *')], 20 * HOUR);
    expect(runs.map((run) => run.slice(7))).toEqual([
      '23 12:00:00 schedule',
      '23 18:00:00 schedule',
      expect.stringMatching(/^26 20:3[01]:\d\d schedule$/),
      '27 00:00:00 schedule',
      '27 06:00:00 schedule',
    ]);
    expect(lines).toEqual(['warn backup is late: it was due 2026-11-24 00:00:00 UTC']);
  },
);

test('an interval whose times were slept through goes on in step', async () => {
  const { clock, runs, job, start } = simulate();
  clock.after(15 * MINUTE, () => clock.suspend(DAY + 7 * MINUTE));
  await start([job('backup', '@every 10m')], HOUR);
  expect(runs.map((run) => run.slice(7, 18))).toEqual([
    '23 10:40:00',
    expect.stringMatching(/^24 10:5[23]:\d\d$/),
    '24 11:00:00',
    '24 11:10:00',
    '24 11:20:00',
    '24 11:30:00',
  ]);
});

test('a clock that is set back far does not silence the service', async () => {
  const { clock, runs, lines, job, start } = simulate('2036-11-23T10:30:00Z');
  clock.after(2 * HOUR + 30 * SECOND, () => clock.set('2026-11-23T06:30:00Z'));
  await start([job('backup', '@hourly')], 4 * HOUR);
  expect(runs.map((run) => run.slice(7, 18))).toEqual([
    '23 11:00:00',
    '23 12:00:00',
    '23 07:00:00',
    '23 08:00:00',
  ]);
  expect(lines).toEqual([expect.stringMatching(/^warn the clock was set back by 10y/)]);
});

test('an interval that has almost run off does not begin once more when the clock is set back', async () => {
  const { clock, runs, job, start } = simulate();
  clock.after(50 * MINUTE, () => clock.set('2026-11-23T11:15:00Z'));
  await start([job('backup', '@every 1h')], 130 * MINUTE);
  expect(runs.map((run) => run.slice(10, 18))).toEqual(['11:30:00', '12:30:00']);
});

test('a clock that is set back by seconds runs nothing twice', async () => {
  const { clock, runs, lines, job, start } = simulate();
  clock.after(30 * MINUTE + 10 * SECOND, () => clock.set('2026-11-23T10:59:40Z'));
  await start([job('backup', '@hourly')], 2 * HOUR);
  expect(runs.map((run) => run.slice(10, 18))).toEqual(['11:00:00', '12:00:00']);
  expect(lines).toEqual([]);
});

test('a try that is planned moves with a clock that is set back', async () => {
  const { clock, runs, job, start } = simulate();
  clock.after(31 * MINUTE + 30 * SECOND, () => clock.set('2026-11-22T11:01:30Z'));
  await start([job('backup', '0 11 * * *', { run: failing })], 40 * MINUTE);
  expect(runs.map((run) => run.slice(7, 18))).toEqual([
    '23 11:00:00',
    '23 11:01:00',
    expect.stringMatching(/^22 11:0[67]/),
  ]);
});

test('a signal while it waits ends it without an error', async () => {
  const { clock, runs, job, start } = simulate();
  await expect(start([job('backup', '@yearly')], HOUR)).resolves.toBeUndefined();
  expect(runs).toEqual([]);
  // It looks at the clock each minute, and a timer of more than 24 days would fire at once.
  expect(Math.max(...clock.sleeps)).toBe(MINUTE);
});

test('a signal during a run stops the run, and is thrown once that has cleaned up', async () => {
  const { clock, job, start } = simulate();
  let cleaned = false;
  const run = async (signal: AbortSignal) => {
    await clock.sleep(HOUR, signal).catch(() => {});
    await clock.sleep(2 * SECOND, new AbortController().signal);
    cleaned = true;
    throw new Error('cut off');
  };
  await expect(start([job('backup', '@hourly', { run })], 45 * MINUTE)).rejects.toThrow('received SIGTERM');
  expect(cleaned).toBe(true);
});

test('a run that does not clean up in time is left, and said', async () => {
  const { job, lines, start } = simulate();
  const run = () => new Promise<void>(() => {});
  const jobs = [job('backup', '@hourly', { run, runAtStart: true })];
  await expect(start(jobs, SECOND)).rejects.toThrow('received SIGTERM');
  expect(lines).toEqual([
    'warn backup did not stop in time; a later backup aborts its upload, `doctor` names a leftover database, and `list` shows a dump without a manifest as foreign',
  ]);
});

test('every time is either run, at its second, or said to be skipped, whatever the runs take', async () => {
  const minutes = fc.integer({ min: 1, max: 9 });
  const takes = fc.array(fc.integer({ min: 0, max: 30 * MINUTE }), { minLength: 1, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(minutes, takes, async (every, durations) => {
      const { clock, runs, lines, job, start } = simulate();
      const run = (signal: AbortSignal) =>
        clock.sleep(1 + durations[runs.length % durations.length]!, signal);
      const work = start([job('backup', `*/${every} * * * *`, { run })], 5 * HOUR);
      await work.catch((error: unknown) => expect(error).toBeInstanceOf(StoppedError));
      const times = upcomingTimes(timetable(`*/${every} * * * *`), new Date('2026-11-23T10:30:00Z'), 200);
      const ran = runs.map((line) => Date.parse(`2026-11-23T${line.slice(10, 18)}Z`));
      const skipped = lines.map((line) =>
        [...line.matchAll(/\d{4}-\d\d-\d\d [\d:]{8}/g)].map(([time]) => Date.parse(`${time}Z`)),
      );
      for (const time of times.map((each) => each.getTime()).filter((each) => each <= ran.at(-1)!)) {
        const spans = skipped.filter(([first = 0, last = first]) => first <= time && time <= last);
        expect(ran.filter((each) => each === time).length + spans.length).toBe(1);
      }
    }),
    { numRuns: 30 },
  );
});

test('2,000 runs, then a day of failures, leave nothing behind: no listener, no timer, no memory', async () => {
  const { clock, lines, runs, job, start } = simulate();
  const heap: number[] = [];
  const run = async (signal: AbortSignal) => {
    // What a callee forgets on the signal of its run goes with the run.
    signal.addEventListener('abort', () => {});
    if (runs.length % 500 === 0) heap.push(heapInUse());
  };
  await start([job('backup', '@every 1s', { run })], 2000 * SECOND + 1);
  expect(runs).toHaveLength(2000);
  expect(lines).toEqual([]);
  expect(clock.sleeps.length).toBeLessThanOrEqual(2001);
  expect(heap.at(-1)! - heap[0]!).toBeLessThan(2_000_000);

  const day = simulate();
  await day.start([day.job('backup', '@hourly', { run: failing })], DAY);
  expect(day.runs).toHaveLength(4 * 24);
  expect(day.lines).toHaveLength(day.runs.length);
  for (const line of day.lines)
    expect(line).toMatch(/^error backup failed, next try .* — grant s3:PutObject$/);
});
