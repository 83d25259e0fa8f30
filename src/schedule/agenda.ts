import type { Timetable } from './schedule.ts';
import { nextTime, previousTime } from './times.ts';

/** How long after a failure a run is tried again: after the first, the second, the third. Milliseconds. */
const RETRY_AFTER = [60_000, 5 * 60_000, 15 * 60_000];
const LONGEST_RETRY = Math.max(...RETRY_AFTER);

/** What a job's times follow. */
export interface Pace {
  readonly schedule: Timetable;
  /** A run begins at random up to so many milliseconds after its scheduled time, and before the following one. */
  readonly randomDelay: number;
}

/** When a job runs next. Instants are milliseconds since 1970; what never comes is at infinity. */
export interface Agenda {
  /** The next scheduled time. */
  readonly slot: Date | undefined;
  /** When the run of this slot begins. */
  readonly slotDue: number;
  /** A run that comes before the slot's: the one at the start of the service, or one after a failure. */
  readonly extra: ExtraRun | undefined;
}

/** A run, whether of a slot or before it; `due` is in milliseconds since 1970. */
interface ExtraRun {
  readonly due: number;
  readonly why: Why;
  /** How often in a row it has failed, or found the lock taken. */
  readonly failures: number;
}

/**
 * What a run is made for: the start of the service, a scheduled time, or in place of one that found the lock taken, where
 * it is for the job to see whether another's run has done its work. A run that failed and is tried again keeps its reason.
 */
export type Why = 'start' | 'schedule' | 'instead';

/** Numbers from 0 up to but not 1, as `Math.random` gives them. */
export type Random = () => number;

/** The agenda of a service that starts at `now`, with a run at once where that is wanted. */
export function firstAgenda(pace: Pace, runAtStart: boolean, now: number, random: Random): Agenda {
  const agenda = planSlot(pace, nextTime(pace.schedule, new Date(now)), random);
  return runAtStart ? { ...agenda, extra: { due: now, why: 'start', failures: 0 } } : agenda;
}

/** The agenda of an interval that goes on from an earlier run: the next time is `slot`. */
export function moveSlot(pace: Pace, { extra }: Agenda, slot: Date, random: Random): Agenda {
  return { ...planSlot(pace, slot, random), extra };
}

/** When the next run begins, in milliseconds since 1970; infinity for never. */
export function dueTime({ slotDue, extra }: Agenda): number {
  return Math.min(slotDue, extra?.due ?? Number.POSITIVE_INFINITY);
}

/** The run that begins at `now`, and the agenda behind it: one run makes up for all times that have passed. */
export function beginRun(
  pace: Pace,
  agenda: Agenda,
  now: number,
  random: Random,
): { readonly run: ExtraRun; readonly agenda: Agenda } {
  const { slot, slotDue, extra } = agenda;
  if (extra !== undefined && slotDue > now) return { run: extra, agenda: { ...agenda, extra: undefined } };
  return {
    run: { due: slotDue, why: 'schedule', failures: 0 },
    agenda: planSlot(pace, slot && slotAfter(pace.schedule, slot, now), random),
  };
}

/** Plans a run that failed at `now` once more, unless the slot's comes first or it was tried often enough. */
export function afterFailure(agenda: Agenda, { why, failures }: ExtraRun, now: number): Agenda {
  const delay = RETRY_AFTER[failures];
  if (delay === undefined || now + delay >= agenda.slotDue) return agenda;
  return { ...agenda, extra: { due: now + delay, why, failures: failures + 1 } };
}

/** Plans a run that found the lock taken at `now` once more, and again until the slot's comes first. */
export function afterLocked(agenda: Agenda, { why, failures }: ExtraRun, now: number): Agenda {
  const delay = RETRY_AFTER[failures] ?? LONGEST_RETRY;
  if (now + delay >= agenda.slotDue) return agenda;
  const reason = why === 'schedule' ? 'instead' : why;
  return { ...agenda, extra: { due: now + delay, why: reason, failures: failures + 1 } };
}

/** Leaves out the slots whose runs would have begun in the course of a run of the same job. */
export function skipSlots(
  pace: Pace,
  agenda: Agenda,
  { from, to }: { readonly from: number; readonly to: number },
  random: Random,
): { readonly agenda: Agenda; readonly skipped?: { readonly first: Date; readonly last: Date } } {
  const { slot, slotDue, extra } = agenda;
  if (slot === undefined || slotDue <= from || slotDue >= to) return { agenda };
  const next = slotAfter(pace.schedule, slot, to - 1);
  return {
    agenda: { ...planSlot(pace, next, random), extra },
    skipped: { first: slot, last: lastSlot(pace.schedule, slot, to - 1) },
  };
}

/** The agenda once the clock was set back to `now`: what was planned for later than now counts no more. */
export function planAnew(pace: Pace, { slot, extra }: Agenda, now: number, random: Random): Agenda {
  const next = nextTime(pace.schedule, new Date(now));
  // An interval that had almost run off is not to begin once more.
  const agenda = planSlot(
    pace,
    slot !== undefined && next !== undefined && slot < next ? slot : next,
    random,
  );
  if (extra === undefined) return agenda;
  const wait = extra.failures === 0 ? 0 : (RETRY_AFTER[extra.failures - 1] ?? LONGEST_RETRY);
  return { ...agenda, extra: { ...extra, due: Math.min(extra.due, now + wait) } };
}

function planSlot({ schedule, randomDelay }: Pace, slot: Date | undefined, random: Random): Agenda {
  if (slot === undefined) return { slot, slotDue: Number.POSITIVE_INFINITY, extra: undefined };
  const following = randomDelay === 0 ? undefined : nextTime(schedule, slot);
  const room = following === undefined ? randomDelay : following.getTime() - slot.getTime();
  const delay = Math.floor(random() * Math.min(randomDelay, room));
  return { slot, slotDue: slot.getTime() + delay, extra: undefined };
}

/** The first time after `now` of a schedule that has one at `slot`: an interval goes on from there. */
function slotAfter(schedule: Timetable, slot: Date, now: number): Date | undefined {
  if (schedule.kind === 'cron') return nextTime(schedule, new Date(now));
  return nextTime(schedule, lastSlot(schedule, slot, now));
}

/** The last time from `slot` to `now`. */
function lastSlot(schedule: Timetable, slot: Date, now: number): Date {
  if (schedule.kind === 'cron') return previousTime(schedule, new Date(now)) ?? slot;
  const interval = schedule.seconds * 1000;
  const times = Math.max(0, Math.floor((now - slot.getTime()) / interval));
  return new Date(slot.getTime() + times * interval);
}
