import { StoreError } from '../errors.ts';
import { type KeyBytes, keyBytes } from '../s3/key-bytes.ts';
import { type Cursor, openCursor } from './join/cursor.ts';
import { furthest } from './join/furthest-prefix.ts';
import type { Candidate } from './join/join-references.ts';
import { describeOrder } from './join/order-errors.ts';
import { describeUnreadable, type KeptBackup, type KeptKey } from './kept-media.ts';

/** Looks up which backups need a key. Keys must be given in the order of their bytes. */
export interface Protectors {
  /** Ids of the backups that need the key, in the order in which the backups were given. */
  of(key: string): Promise<readonly string[]>;
  /** Reads what has been begun to its end: only there it shows that a list lacks something. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** A backup whose needs are unknown. */
export interface UnreadBackup {
  readonly id: string;
  readonly problem: string;
}

/**
 * Reads what backups need in one pass, no further than asked for, holding one batch and the open prefix of each.
 * Nothing is read before the first lookup.
 *
 * @param onUnreadable receives a backup that cannot be read, or not to its end; once for each
 * @param signal that of the backups' keys
 */
export function openProtectors(
  backups: readonly KeptBackup[],
  onUnreadable: (backup: UnreadBackup) => void,
  signal: AbortSignal,
): Protectors {
  let readers: BackupReader[] | undefined;

  async function open(): Promise<BackupReader[]> {
    const opened: BackupReader[] = [];
    readers = opened;
    // One after another, because each may have to sort what its dump names.
    for (const backup of backups) {
      const reader = createReader(backup);
      opened.push(reader);
      await attempt(reader, () => reader.cursor.more());
    }
    return opened;
  }

  async function attempt(reader: BackupReader, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isTold = readers?.some(({ id, failed }) => failed && id === reader.id);
      reader.failed = true;
      const problem = describeUnreadable(error, signal);
      if (isTold !== true) onUnreadable({ id: reader.id, problem });
      await reader.cursor.close();
    }
  }

  return {
    async of(object) {
      const key = keyBytes(object);
      const protectors: string[] = [];
      for (const reader of readers ?? (await open())) {
        if (!reader.failed) await attempt(reader, () => readTo(reader, key));
        const needed = reader.named === key || (reader.open !== undefined && key.startsWith(reader.open));
        if (needed && protectors.at(-1) !== reader.id) protectors.push(reader.id);
      }
      return protectors;
    },
    async finish() {
      for (const reader of readers ?? []) if (!reader.failed) await attempt(reader, () => readToEnd(reader));
    },
    async close() {
      await Promise.allSettled((readers ?? []).map(({ cursor }) => cursor.close()));
    },
  };
}

/**
 * The protectors of an operation that acts on each key as soon as it was looked up. That a list of media lacks something,
 * or has it out of order, shows only further on, which is too late then; so all lists are read to their ends first.
 *
 * @param doing what cannot be done if it is unknown what a backup needs
 * @param signal that of the backups' keys
 * @returns opens them, for one pass each
 * @throws StoreError if it is unknown, as does a lookup; or the signal's reason
 */
export async function proveProtectors(
  doing: string,
  backups: readonly KeptBackup[],
  signal: AbortSignal,
): Promise<() => Protectors> {
  const refuse = (backup: UnreadBackup) => {
    throw refuseUnread(doing, backup);
  };
  for (const backup of backups.filter(({ by }) => by === 'list')) {
    const reader = createReader(backup);
    try {
      await readToEnd(reader);
    } catch (error) {
      await reader.cursor.close();
      refuse({ id: backup.id, problem: describeUnreadable(error, signal) });
    }
  }
  return () => openProtectors(backups, refuse, signal);
}

/** @returns the error for an operation that would take an object which such a backup may need */
export function refuseUnread(doing: string, { id, problem }: UnreadBackup): StoreError {
  return new StoreError({
    doing,
    problem: `it is unknown which of them backup ${id} needs: ${problem}`,
    remedy: `fix that, or delete the backup; \`topobank-backup show ${id}\` shows its state`,
  });
}

/** One pass over what a backup needs. */
interface BackupReader {
  readonly id: string;
  readonly cursor: Cursor<KeptKey>;
  /** The last key passed. */
  named: KeyBytes | undefined;
  /** The prefix that reaches furthest of those passed so far. */
  open: KeyBytes | undefined;
  failed: boolean;
}

function createReader({ id, keys }: KeptBackup): BackupReader {
  const refuseOrder = (key: KeyBytes, after: KeyBytes) =>
    new StoreError({
      doing: `cannot determine which media backup ${id} needs`,
      problem: `its list has ${describeOrder(key, after)}`,
    });
  const cursor = openCursor(keys(), ({ key }) => key, 'repeated', refuseOrder);
  return { id, cursor, named: undefined, open: undefined, failed: false };
}

/** Passes everything up to `key`; returns false if more must be read first. */
function passTo(reader: BackupReader, key: KeyBytes): boolean {
  const { cursor } = reader;
  while (cursor.item !== undefined && cursor.item.key <= key) {
    const { item } = cursor;
    if (item.kind === 'key') reader.named = item.key;
    else reader.open = furthest(reader.open, item.key);
    if (!cursor.step()) return false;
  }
  return true;
}

async function readTo(reader: BackupReader, key: KeyBytes): Promise<void> {
  while (!passTo(reader, key)) await reader.cursor.more();
}

async function readToEnd({ cursor }: BackupReader): Promise<void> {
  while (!cursor.ended) if (!cursor.step()) await cursor.more();
}

/** Marks orphans that kept backups need as protected. */
export async function* protectOrphans(
  candidates: AsyncIterable<readonly Candidate[]>,
  protectors: Protectors,
): AsyncGenerator<readonly Candidate[]> {
  try {
    for await (const batch of candidates) {
      const judged: Candidate[] = [];
      for (const candidate of batch) judged.push(await judge(candidate, protectors));
      yield judged;
    }
    await protectors.finish();
  } finally {
    await protectors.close();
  }
}

async function judge(candidate: Candidate, protectors: Protectors): Promise<Candidate> {
  if (candidate.kind !== 'orphan') return candidate;
  const { object } = candidate;
  const backups = await protectors.of(object.key);
  return backups.length > 0 ? { kind: 'protected', object, backups } : candidate;
}
