/** What every subject is given. */
export interface Bench {
  /** The variables that make the tool work on the bench's PostgreSQL and S3 server. */
  readonly env: Readonly<Record<string, string>>;
  /** The variables that libpq's own programs read. */
  readonly pgEnv: Readonly<Record<string, string>>;
  readonly binDir: string;
  /** For files of a subject's own. */
  readonly directory: string;
  /** Databases to back up, each of about so many bytes of dump text. */
  readonly large: { readonly name: string; readonly bytes: number };
  readonly small: { readonly name: string; readonly bytes: number };
  /** How often each side of a comparison is run. */
  readonly rounds: number;
  readonly signal: AbortSignal;
  /** Says on stderr what is being done. */
  readonly say: (what: string) => void;
}

/** One line of the bench's table. */
export interface Finding {
  readonly subject: string;
  /** What was measured, with its unit. */
  readonly measured: string;
  /** What it is compared with. */
  readonly baseline: string;
  /** `measured` over `baseline`, where both are of a kind. */
  readonly ratio: number | undefined;
  readonly goal: string;
  /** Time on the processor that the tool's own process took, user and system, in milliseconds. */
  readonly cpuMs?: number;
}

export interface Subject {
  readonly name: string;
  readonly about: string;
  /** Whether it is run only where it is named. */
  readonly isOnDemand?: true;
  readonly run: (bench: Bench) => Promise<Finding[]>;
}

/** Runs both sides in turns, so that what else the machine does befalls both, and gives the median of each. */
export async function inTurns<A, B>(
  rounds: number,
  first: (round: number) => Promise<A>,
  second: (round: number) => Promise<B>,
): Promise<{ first: A[]; second: B[] }> {
  const results: { first: A[]; second: B[] } = { first: [], second: [] };
  for (let round = 0; round < rounds; round++) {
    results.first.push(await first(round));
    results.second.push(await second(round));
  }
  return results;
}

/** Of an even number of values the upper one of the middle two. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error('there is no median of nothing');
  return middle;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

/** The most that any of the runs has had; undefined where the system does not tell. */
export function largest(peaks: readonly (number | undefined)[]): number | undefined {
  const known = peaks.filter((bytes) => bytes !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
