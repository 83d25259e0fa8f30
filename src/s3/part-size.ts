const MIB = 1024 ** 2;

/** Size of the first half of an upload's parts, in bytes: small, so that the parts in flight take little memory. */
export const FIRST_PART_BYTES = 8 * MIB;

/** Largest part in bytes; S3 allows 5 GiB, but a part is one Buffer in memory. */
export const LARGEST_PART_BYTES = 2048 * MIB;

/** Share of an upload's second half in which parts grow; in the rest they have the largest size. */
const GROWING_SHARE = 0.57;

/**
 * Size in bytes of part `partNumber` (1-based) of an upload of unknown length. The first half of the parts are small;
 * then each is larger than the one before by a constant factor, so that 10,000 parts reach 5 TiB (the largest object
 * of most S3 servers) and a dump of ordinary size never leaves the small ones.
 *
 * @param maxParts most parts that the server takes in one upload
 */
export function partSize(partNumber: number, maxParts: number): number {
  const half = Math.floor(maxParts / 2);
  if (partNumber <= half) return FIRST_PART_BYTES;
  const growing = Math.max(1, Math.floor((maxParts - half) * GROWING_SHARE));
  const step = Math.min(1, (partNumber - half) / growing);
  return Math.round(FIRST_PART_BYTES * (LARGEST_PART_BYTES / FIRST_PART_BYTES) ** step);
}

/** Most bytes that an upload of `maxParts` parts holds. */
export function uploadCapacity(maxParts: number): number {
  let bytes = 0;
  for (let partNumber = 1; partNumber <= maxParts; partNumber++) bytes += partSize(partNumber, maxParts);
  return bytes;
}
