import type { MediaFault } from '../audit/join/compare-media.ts';

/** What an operator is told about an object of a backup's list of media. Sizes are bytes. */
export type MediaFinding =
  /** The object is gone. */
  | { readonly kind: 'missing'; readonly key: string; readonly recorded: number }
  /**
   * It cannot be brought back. Also what the quarantine has, or may have, for a key that had no object when the
   * backup was taken; its size is null if it is unknown.
   */
  | { readonly kind: 'lost'; readonly key: string; readonly bytes: number | null; readonly reason: string }
  /** Somebody has written another object to its key, which is left alone. */
  | { readonly kind: 'changed'; readonly key: string; readonly recorded: number; readonly present: number }
  /** Its ETag does not show whether it has changed; also left alone. */
  | { readonly kind: 'untold'; readonly key: string }
  /** It did not exist when the backup was taken and still does not. */
  | { readonly kind: 'never there'; readonly key: string };

/** How many findings there are of each kind. */
export type MediaTotals = Readonly<Record<MediaFinding['kind'], number>>;

/** The first findings of each kind, if not all can be held. */
export interface FirstMediaFindings {
  readonly findings: readonly MediaFinding[];
}

/** Takes findings as they are made, in no particular order. */
export interface MediaFindingSink {
  write(findings: readonly MediaFinding[]): Promise<void>;
}

/** Counts the findings that are passed on to another sink. */
export function countFindings(sink: MediaFindingSink): MediaFindingSink & { readonly totals: MediaTotals } {
  const totals = { missing: 0, lost: 0, changed: 0, untold: 0, 'never there': 0 };
  return {
    totals,
    async write(findings) {
      if (findings.length === 0) return;
      for (const { kind } of findings) totals[kind] += 1;
      await sink.write(findings);
    },
  };
}

/** How a difference between the list and the bucket is told. */
export function findingOf(fault: MediaFault): MediaFinding {
  switch (fault.kind) {
    case 'missing':
      return { kind: 'missing', key: fault.entry.key, recorded: fault.entry.bytes };
    case 'changed': {
      const { entry, object } = fault;
      return { kind: 'changed', key: entry.key, recorded: entry.bytes, present: object.bytes };
    }
    case 'untold':
      return { kind: 'untold', key: fault.entry.key };
    case 'never there':
      return { kind: 'never there', key: fault.key };
  }
}
