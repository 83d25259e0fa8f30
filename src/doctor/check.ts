import { messageOf, OperatorError } from '../errors.ts';

/** What one check found. `warning`: it works, but the operator should know about it. */
export interface DoctorFinding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'fault';
  readonly detail: string;
  readonly remedy: string | undefined;
}

/** What a check found, without its name. */
export type Verdict = Omit<DoctorFinding, 'check'>;

/** The same, or a text if all is well. */
export type Outcome = string | Verdict;

/** A finding that prevents backups or restores from working. */
export function fault(detail: string, remedy: string | undefined): Verdict {
  return { state: 'fault', detail, remedy };
}

/** What an error says, as a finding. */
export function faultOf(error: unknown): Verdict {
  return error instanceof OperatorError
    ? fault(error.problem, error.remedy)
    : fault(messageOf(error), undefined);
}

/** Runs a check; what it throws becomes a fault, unless the program is being stopped. */
export async function examine(
  check: string,
  signal: AbortSignal,
  work: () => Promise<Outcome>,
): Promise<DoctorFinding> {
  signal.throwIfAborted();
  try {
    const found = await work();
    if (typeof found !== 'string') return { check, ...found };
    return { check, state: 'ok', detail: found, remedy: undefined };
  } catch (error) {
    signal.throwIfAborted();
    return { check, ...faultOf(error) };
  }
}

/** Clocks this far apart, in milliseconds, are worth a mention; S3 refuses requests from fifteen minutes on. */
const CLOCK_WARNING_MS = 60_000;
const CLOCK_FAULT_MS = 10 * 60_000;

/** Judges how far another clock is from this machine's. */
export function judgeClock(there: Date, here: Date): Verdict {
  const apart = there.getTime() - here.getTime();
  const seconds = Math.round(Math.abs(apart) / 1000);
  const detail =
    seconds < 2
      ? 'agrees with this machine’s'
      : `${seconds} s ${apart > 0 ? 'ahead of' : 'behind'} this machine’s`;
  if (Math.abs(apart) < CLOCK_WARNING_MS) return { state: 'ok', detail, remedy: undefined };
  return {
    state: Math.abs(apart) < CLOCK_FAULT_MS ? 'warning' : 'fault',
    detail,
    remedy: 'set the clocks with NTP',
  };
}
