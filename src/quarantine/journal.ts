import * as v from 'valibot';
import type { Finding } from '../audit/finding.ts';
import { type LinesWriter, openLinesWriter, readGzippedLines } from '../catalog/gzipped-lines.ts';
import { DumpError, NotFoundError } from '../errors.ts';
import { journalKey, type Quarantine } from './quarantine-keys.ts';

/** Far more than the journal of any bucket needs, and accepted by every server. */
const MAX_PARTS = 1000;

const entrySchema = v.object({
  key: v.pipe(v.string(), v.minLength(1)),
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  lastModified: v.pipe(v.string(), v.isoTimestamp()),
  etag: v.optional(v.string()),
});
const lineSchema = v.pipe(v.string(), v.parseJson(), entrySchema);

/** An object to be moved, as the audit saw it; its ETag identifies it if its copy has a different one. */
export type JournalEntry = v.InferOutput<typeof entrySchema>;

/** The journal of a run that may yet be called off: nothing of it is visible until it is committed. */
export interface Journal {
  /** Adds the orphans among these findings. */
  add(findings: readonly Finding[]): Promise<void>;
  /** Makes it visible: from here on an interrupted run is found. */
  commit(): Promise<void>;
  /** Removes everything of a journal that is not committed. Never throws. */
  abort(): Promise<void>;
}

/** Begins to write the journal of a run, which the caller commits or aborts. @throws StoreError */
export async function openJournal(
  { store, quarantinePrefix: prefix }: Quarantine,
  run: string,
  signal: AbortSignal,
): Promise<Journal> {
  const lines: LinesWriter = await openLinesWriter(store, journalKey(prefix, run), {
    maxParts: MAX_PARTS,
    signal,
  });
  let visible = false;
  return {
    async add(findings) {
      const entries = findings.flatMap((finding) => {
        if (finding.kind !== 'orphan') return [];
        const { key, bytes, lastModified, etag } = finding;
        return `${JSON.stringify({ key, bytes, lastModified, etag } satisfies JournalEntry)}\n`;
      });
      if (entries.length > 0) await lines.write(entries.join(''));
    },
    async commit() {
      await lines.end();
      await lines.complete();
      visible = true;
    },
    async abort() {
      if (!visible) await lines.abort();
    },
  };
}

/** What a run was to move, in the order of the keys' bytes. @throws DumpError if it is damaged, StoreError */
export async function* readJournal(
  { store, quarantinePrefix: prefix }: Quarantine,
  run: string,
  signal: AbortSignal,
): AsyncGenerator<readonly JournalEntry[]> {
  const key = journalKey(prefix, run);
  const words = {
    doing: `cannot read the journal ${key}`,
    remedy: 'delete it while no quarantine run is active; the objects of the run stay',
  };
  for await (const lines of readGzippedLines(store, key, words, signal)) {
    yield lines.map((line) => {
      const parsed = v.safeParse(lineSchema, line.toString());
      if (parsed.success) return parsed.output;
      throw new DumpError({ ...words, problem: `a line is not an entry (${parsed.issues[0].message})` });
    });
  }
}

/** A key that a run was to move; undefined if its journal is gone. @throws as {@link readJournal} */
export async function firstOfJournal(
  quarantine: Quarantine,
  run: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    for await (const [first] of readJournal(quarantine, run, signal)) return first?.key;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
  return undefined;
}
