import { escapeControls } from '../ui/controls.ts';
import { formatCount } from '../ui/format.ts';

/** Maximum number of objects that a report names. */
const NAMED = 20;

/** An object that was left where it was. */
interface LeftObject {
  readonly key: string;
  readonly reason: string;
}

/** The objects that were left where they were; only the first are named. */
export interface LeftObjects {
  readonly count: number;
  readonly first: readonly LeftObject[];
}

/** Counts objects as they are left. */
export interface LeftObjectsTally {
  add(key: string, reason: string): void;
  summary(): LeftObjects;
}

/** Counts the objects left, however many, and holds the first 20 of them. */
export function tallyLeft(): LeftObjectsTally {
  const first: LeftObject[] = [];
  let count = 0;
  return {
    add(key, reason) {
      count += 1;
      if (first.length < NAMED) first.push({ key, reason });
    },
    summary: () => ({ count, first }),
  };
}

/**
 * The lines of a report.
 *
 * @param where `in place`
 */
export function describeLeft({ count, first }: LeftObjects, where: string): string[] {
  const lines = first.map(({ key, reason }) => escapeControls(`left ${key}: ${reason}`));
  if (count > first.length)
    lines.push(
      `and ${formatCount(count - first.length)} more left ${where}; with LOG_LEVEL=debug, a run names all of them`,
    );
  return lines;
}
