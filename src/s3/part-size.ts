const MIB = 1024 ** 2;

/** Size of an upload's first parts, in bytes: small, so that the parts in flight take little memory. */
const FIRST_PART_BYTES = 8 * MIB;

/**
 * Largest part in bytes. S3 allows 5 GiB, but a part is one Buffer, and Node's hashes and TLS take less than 2 GiB at
 * once.
 */
export const LARGEST_PART_BYTES = 2047 * MIB;

/** Number of part sizes in an upload, each double the previous one. */
const STAGES = 10;

/** Most bytes in flight per lane; larger parts are sent in fewer lanes. */
const LANE_BYTES = 32 * MIB;

/**
 * Size in bytes of part `partNumber` (1-based) of an upload of unknown length: each tenth of the parts is twice as
 * large as the tenth before. So 10,000 parts reach 5.8 TiB, more than most S3 servers accept as one object (5 TiB),
 * while a shorter dump is never cut into parts much larger than it needs: 8 MiB up to 7 GiB, 64 MiB up to 117 GiB.
 *
 * @param maxParts most parts that the server accepts in one upload
 */
export function partSize(partNumber: number, maxParts: number): number {
  const stage = Math.ceil((partNumber * STAGES) / maxParts) - 1;
  return Math.min(FIRST_PART_BYTES * 2 ** stage, LARGEST_PART_BYTES);
}

/**
 * How many parts of `bytes` are held in memory at the same time, including the one being filled: `most`, and fewer as
 * parts grow, but two if `most` allows, so that one can be filled while the other is sent.
 */
export function partsInMemory(bytes: number, most: number): number {
  return Math.min(most, Math.max(2, Math.floor((most * LANE_BYTES) / bytes)));
}

/** Most bytes that an upload of `maxParts` parts can hold. */
export function uploadCapacity(maxParts: number): number {
  let bytes = 0;
  for (let partNumber = 1; partNumber <= maxParts; partNumber++) bytes += partSize(partNumber, maxParts);
  return bytes;
}
