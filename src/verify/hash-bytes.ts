import { createHash } from 'node:crypto';

/** Bytes from the first on, and their SHA-256 in hex. */
export interface BytesHashed {
  readonly bytes: number;
  readonly sha256: string;
}

/** Hashes bytes as they come. */
export interface BytesHash {
  add(chunk: Buffer): void;
  end(): BytesHashed;
}

/** @param most bytes that count, the first ones */
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
