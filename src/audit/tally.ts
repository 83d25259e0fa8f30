import type { ObjectInfo } from '../s3/store.ts';
import { type Finding, type FindingKind, KINDS } from './finding.ts';
import type { Reference } from './rows/references.ts';

/** How many there are, and the bytes of their objects. */
interface Count {
  readonly count: number;
  readonly bytes: number;
}

/** The count of each kind; null for a kind that was not looked for. */
type Totals = Readonly<Record<FindingKind, Count | null>>;

/** What is under one second-level prefix, such as `media/uploads/`. */
interface PrefixSummary {
  readonly prefix: string;
  readonly objects: number;
  /** Total size of its objects. */
  readonly bytes: number;
  readonly totals: Totals;
}

/** Everything that a {@link Tally} has counted. */
export interface Summary {
  /** Number of columns of rows that name a key. */
  readonly references: number;
  /** Number of prefixes that rows own. */
  readonly prefixes: number;
  readonly objects: number;
  /** Total size of all objects. */
  readonly bytes: number;
  readonly totals: Totals;
  readonly byPrefix: readonly PrefixSummary[];
}

/** Counts references, objects and findings. */
export interface Tally {
  references(batch: readonly Reference[]): void;
  objects(page: readonly ObjectInfo[]): void;
  findings(batch: readonly Finding[]): void;
  summary(): Summary;
}

/** Maximum number of prefixes counted separately; the rest is counted under the media prefix itself. */
const MOST_PREFIXES = 1000;

type Counts = Record<FindingKind | 'objects', { count: number; bytes: number }>;

/** @param notSought kinds about which nothing can be said */
export function createTally(mediaPrefix: string, notSought: readonly FindingKind[]): Tally {
  const all = newCounts();
  const byPrefix = new Map<string, Counts>();
  let references = 0;
  let prefixes = 0;

  /** The second-level prefix seen last: keys come in order, so the next one is mostly under it too. */
  let latest: { readonly prefix: string; readonly counts: Counts } | undefined;

  function countsOf(key: string): Counts {
    if (latest !== undefined && key.startsWith(latest.prefix)) return latest.counts;
    const end = key.indexOf('/', mediaPrefix.length);
    const wanted = end < 0 ? mediaPrefix : key.slice(0, end + 1);
    const prefix = byPrefix.has(wanted) || byPrefix.size < MOST_PREFIXES ? wanted : mediaPrefix;
    const counts = byPrefix.get(prefix) ?? newCounts();
    byPrefix.set(prefix, counts);
    // The media prefix itself covers the other prefixes too.
    if (prefix !== mediaPrefix) latest = { prefix, counts };
    return counts;
  }

  function add(kind: FindingKind | 'objects', key: string, bytes: number): void {
    count(all[kind], bytes);
    count(countsOf(key)[kind], bytes);
  }

  return {
    references(batch) {
      for (const { kind } of batch) {
        if (kind === 'key') references += 1;
        else prefixes += 1;
      }
    },
    objects(page) {
      for (const { key, bytes } of page) add('objects', key, bytes);
    },
    findings(batch) {
      for (const finding of batch) {
        add(finding.kind, finding.key, 'bytes' in finding ? finding.bytes : 0);
      }
    },
    summary() {
      const summarize = ({ objects, ...counts }: Counts) => {
        const kinds = KINDS.map((kind) => [kind, notSought.includes(kind) ? null : counts[kind]]);
        return {
          objects: objects.count,
          bytes: objects.bytes,
          totals: Object.fromEntries(kinds) as Totals,
        };
      };
      return {
        references,
        prefixes,
        ...summarize(all),
        byPrefix: [...byPrefix]
          .sort(inOrderOfKeys)
          .map(([prefix, counts]) => ({ prefix, ...summarize(counts) })),
      };
    },
  };
}

/** Findings and objects are counted in two series, each in the order in which S3 lists keys. */
function inOrderOfKeys([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function count(into: { count: number; bytes: number }, bytes: number): void {
  into.count += 1;
  into.bytes += bytes;
}

function newCounts(): Counts {
  const counts = ['objects', ...KINDS].map((kind) => [kind, { count: 0, bytes: 0 }]);
  return Object.fromEntries(counts) as Counts;
}
