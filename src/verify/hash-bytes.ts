import { createHash } from 'node:crypto';

/** A number of bytes of a plain dump, counted from the first one, and their SHA-256 in hex, without the keys. */
export interface BytesHashed {
  readonly bytes: number;
  readonly sha256: string;
}

/** Hashes bytes as they arrive. */
interface BytesHash {
  add(chunk: Buffer): void;
  end(): BytesHashed;
}

const LINE_FEED = 0x0a;

/** What begins a line with a key. A row that begins like that, after a carriage return, is left out too. */
const KEYS = ['\n\\restrict ', '\n\\unrestrict '];
const LONGEST = Math.max(...KEYS.map((key) => key.length));

/**
 * Hashes a plain dump, except for the keys in it: what pg_restore makes of a dump has a new one (`\restrict`) each time.
 *
 * @param most how many bytes to hash; any after these are ignored
 */
export function hashBytes(most = Number.POSITIVE_INFINITY): BytesHash {
  const hash = createHash('sha256');
  let bytes = 0;
  /** Bytes in which a line with a key may begin. */
  let held: Buffer = Buffer.alloc(0);
  let isInKey = false;

  function hashUpTo(end: number): void {
    hash.update(held.subarray(0, end));
    held = held.subarray(end);
  }

  /** @returns whether there may be more in what is held */
  function readOn(): boolean {
    if (isInKey) {
      const end = held.indexOf(LINE_FEED);
      isInKey = end < 0;
      held = isInKey ? Buffer.alloc(0) : held.subarray(end);
      return !isInKey;
    }
    const at = firstOf(KEYS, held);
    isInKey = at >= 0;
    // The line feed before the key is left, so it is not found again.
    hashUpTo(isInKey ? at + 1 : Math.max(0, held.length - LONGEST + 1));
    return isInKey;
  }

  return {
    add(chunk) {
      const counted = chunk.subarray(0, most - bytes);
      bytes += counted.length;
      held = held.length === 0 ? counted : Buffer.concat([held, counted]);
      while (readOn());
      // The chunk is not ours to keep.
      held = Buffer.from(held);
    },
    end() {
      hash.update(held);
      return { bytes, sha256: hash.digest('hex') };
    },
  };
}

/** The first place of any of these; -1 if there is none. */
function firstOf(texts: readonly string[], bytes: Buffer): number {
  const places = texts.map((text) => bytes.indexOf(text, 0, 'latin1')).filter((at) => at >= 0);
  return places.length === 0 ? -1 : Math.min(...places);
}
