const ONES = 0x01010101;
const LOW_BITS = 0x7f7f7f7f;
const NEWLINES = 0x0a0a0a0a;

/** How many words' marks fit into the four counters of one 32-bit number before one overflows. */
const WORDS_A_ROUND = 255;

/** Number of line feeds in `bytes`, four bytes at a time. */
export function countNewlines(bytes: Buffer): number {
  const misaligned = (4 - (bytes.byteOffset & 3)) & 3;
  const head = Math.min(misaligned, bytes.length);
  const words = (bytes.length - head) >> 2;
  let count = 0;
  for (let index = 0; index < head; index++) if (bytes[index] === 0x0a) count++;
  if (words <= 0) return count + countBytewise(bytes, head);
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + head, words);
  for (let start = 0; start < words; start += WORDS_A_ROUND) {
    const end = Math.min(start + WORDS_A_ROUND, words);
    let marks = 0;
    for (let index = start; index < end; index++) {
      // A byte of `other` is zero where the line feed is; the sum carries into bit 7 everywhere else.
      const other = (view[index] as number) ^ NEWLINES;
      marks += (~(((other & LOW_BITS) + LOW_BITS) | other | LOW_BITS) >>> 7) & ONES;
    }
    count += (marks & 0xff) + ((marks >>> 8) & 0xff) + ((marks >>> 16) & 0xff) + (marks >>> 24);
  }
  return count + countBytewise(bytes, head + words * 4);
}

function countBytewise(bytes: Buffer, from: number): number {
  let count = 0;
  for (let index = from; index < bytes.length; index++) if (bytes[index] === 0x0a) count++;
  return count;
}
