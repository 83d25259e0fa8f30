import { type Cursor, openCursor } from '../audit/join/cursor.ts';
import { describeOrder } from '../audit/join/order-errors.ts';
import { DumpError, NotFoundError } from '../errors.ts';
import { keyBytes } from '../s3/key-bytes.ts';
import type { Logger } from '../ui/log.ts';
import { type JournalEntry, readJournal } from './journal.ts';
import { isOfOneObject } from './object-failures.ts';
import type { Quarantine } from './quarantine-keys.ts';

/** Looks up the ETags that objects had before they were moved. Keys must be given in the order of their bytes. */
export interface OriginalEtags {
  /**
   * The ETag of what a run moved from a key; undefined if its journal does not say, or is gone or damaged, or the
   * server fails for it.
   *
   * @throws StoreError, or the signal's reason
   */
  of(run: string, key: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/**
 * Opens the journals of runs on first use; each is read once, with one batch in memory. A copy may have a different
 * ETag than its source, so only the journal proves what an object in quarantine was.
 */
export function openOriginalEtags(quarantine: Quarantine, log: Logger, signal: AbortSignal): OriginalEtags {
  const cursors = new Map<string, Cursor<JournalEntry>>();

  async function open(run: string): Promise<Cursor<JournalEntry>> {
    const cursor = openCursor(
      readJournal(quarantine, run, signal),
      ({ key }) => keyBytes(key),
      'once',
      (key, after) =>
        new DumpError({
          doing: `cannot use the journal of quarantine run ${run}`,
          problem: `it has ${describeOrder(key, after)}`,
        }),
    );
    cursors.set(run, cursor);
    await cursor.more();
    return cursor;
  }

  return {
    async of(run, key) {
      const wanted = keyBytes(key);
      try {
        const cursor = cursors.get(run) ?? (await open(run));
        while (cursor.key !== undefined && cursor.key < wanted) {
          if (!cursor.step()) await cursor.more();
        }
        return cursor.key === wanted ? cursor.item?.etag : undefined;
      } catch (error) {
        if (error instanceof DumpError || isOfOneObject(error)) log.warn(error.message);
        else if (!(error instanceof NotFoundError)) throw error;
        return undefined;
      }
    },
    async close() {
      await Promise.allSettled([...cursors.values()].map((cursor) => cursor.close()));
    },
  };
}
