import type { Timetable } from './schedule.ts';
import { nextTime, previousTime } from './times.ts';

/** Delays before a run is retried after its first, second and third failure, in milliseconds. */
const RETRY_AFTER = [60_000, 5 * 60_000, 15 * 60_000];
const LONGEST_RETRY = Math.max(...RETRY_AFTER);

/** What determines a job's times. */
export interface Pace {
  readonly schedule: Timetable;
  /**
   * A run begins at a random time up to this many milliseconds after its scheduled time, but before the following
   * one.
   */
  readonly randomDelay: number;
}

/** When a job runs next. Instants are milliseconds since 1970; infinity means never. */
export interface Agenda {
  /** The next scheduled time. */
  readonly slot: Date | undefined;
  /** When the run of this slot begins. */
  readonly slotDue: number;
  /** A run that comes before the slot's: the one at the start of the service, or a retry. */
  readonly extra: ExtraRun | undefined;
}

/** A run, whether for a slot or before it; `due` is in milliseconds since 1970. */
interface ExtraRun {
  readonly due: number;
  readonly why: Why;
  /** How often in a row it has failed, or found the lock taken. */
  readonly failures: number;
}

/**
 * Why a run is made: at the start of the service, at a scheduled time, or instead of one that found the lock taken,
 * in which case the job must check whether the other run has done its work. A retry of a failed run keeps its reason.
 */
export type Why = 'start' | 'schedule' | 'instead';

/** Returns numbers from 0 up to but not including 1, like `Math.random`. */
export type Random = () => number;

/** The agenda of a service that starts at `now`, with an immediate run if that is wanted. */
export function firstAgenda(pace: Pace, runAtStart: boolean, now: number, random: Random): Agenda {
  const agenda = planSlot(pace, nextTime(pace.schedule, new Date(now)), random);
  return runAtStart ? { ...agenda, extra: { due: now, why: 'start', failures: 0 } } : agenda;
}

/** The agenda of an interval that continues from an earlier run: the next time is `slot`. */
export function moveSlot(pace: Pace, { extra }: Agenda, slot: Date, random: Random): Agenda {
  return { ...planSlot(pace, slot, random), extra };
}

/** When the next run begins, in milliseconds since 1970; infinity for never. */
export function dueTime({ slotDue, extra }: Agenda): number {
  return Math.min(slotDue, extra?.due ?? Number.POSITIVE_INFINITY);
}

/** The run that begins at `now`, and the agenda after it: one run makes up for all times that have passed. */
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

/**
 * Plans a retry of a run that failed at `now`, unless the slot's run comes first or it has been retried often enough.
 */
export function afterFailure(agenda: Agenda, { why, failures }: ExtraRun, now: number): Agenda {
  const delay = RETRY_AFTER[failures];
  if (delay === undefined || now + delay >= agenda.slotDue) return agenda;
  return { ...agenda, extra: { due: now + delay, why, failures: failures + 1 } };
}

/** Plans a retry of a run that found the lock taken at `now`, without limit, unless the slot's run comes first. */
export function afterLocked(agenda: Agenda, { why, failures }: ExtraRun, now: number): Agenda {
  const delay = RETRY_AFTER[failures] ?? LONGEST_RETRY;
  if (now + delay >= agenda.slotDue) return agenda;
  const reason = why === 'schedule' ? 'instead' : why;
  return { ...agenda, extra: { due: now + delay, why: reason, failures: failures + 1 } };
}

/** Skips the slots whose runs would have begun during a run of the same job. */
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

/** The agenda after the clock was set back to `now`: nothing stays planned for later than it would be planned now. */
export function planAnew(pace: Pace, { slot, extra }: Agenda, now: number, random: Random): Agenda {
  const next = nextTime(pace.schedule, new Date(now));
  // An interval that had almost elapsed must not start again.
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

/** The first time after `now` of a schedule that has one at `slot`, from which an interval continues. */
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
