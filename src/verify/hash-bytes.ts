import { createHash } from 'node:crypto';

/** A number of bytes, counted from the first one, and their SHA-256 in hex. */
export interface BytesHashed {
  readonly bytes: number;
  readonly sha256: string;
}

/** Hashes bytes as they arrive. */
export interface BytesHash {
  add(chunk: Buffer): void;
  end(): BytesHashed;
}

/** @param most how many bytes to hash; any after these are ignored */
export function hashBytes(most = Number.POSITIVE_INFINITY): BytesHash {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    add(chunk) {
      const counted = chunk.subarray(0, most - bytes);
      hash.update(counted);
      bytes += counted.length;
    },
    end: () => ({ bytes, sha256: hash.digest('hex') }),
  };
}
