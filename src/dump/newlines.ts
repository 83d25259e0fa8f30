const ONES = 0x01010101;
const LOW_BITS = 0x7f7f7f7f;
const NEWLINES = 0x0a0a0a0a;

/** Words that are marked per step. */
const WORDS_A_STEP = 8;

/** Words that are marked per round: each of the four counters in a 32-bit number holds up to 255. */
const WORDS_A_ROUND = 31 * WORDS_A_STEP;

const NEWLINE = 0x0a;

/** Lines that are searched for one by one before their length is considered. */
const LINES_A_LOOK = 16;

/** Line length, in bytes, from which the engine's own search for the end is faster than counting in words. */
const LONG_LINE = 64;

/** Bytes that are counted in words before line length is considered again. */
const STRETCH_BYTES = 32 * 1024;

/** Number of line feeds in `bytes`: one search each for long lines, four bytes at a time for short ones. */
export function countNewlines(bytes: Buffer): number {
  let count = 0;
  let at = 0;
  for (;;) {
    const from = at;
    for (let line = 0; line < LINES_A_LOOK; line++) {
      const found = bytes.indexOf(NEWLINE, at);
      if (found < 0) return count;
      count += 1;
      at = found + 1;
    }
    if (at - from >= LINES_A_LOOK * LONG_LINE) continue;
    const end = Math.min(at + STRETCH_BYTES, bytes.length);
    count += countInWords(bytes.subarray(at, end));
    at = end;
  }
}

function countInWords(bytes: Buffer): number {
  const misaligned = (4 - (bytes.byteOffset & 3)) & 3;
  const head = Math.min(misaligned, bytes.length);
  const words = (bytes.length - head) >> 2;
  const whole = words - (words % WORDS_A_ROUND);
  const tail = head + whole * 4;
  const edges = countBytewise(bytes, 0, head) + countBytewise(bytes, tail, bytes.length);
  if (whole === 0) return edges;
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + head, whole);
  let others = 0;
  for (let round = 0; round < whole; round += WORDS_A_ROUND) {
    let marks = 0;
    for (let index = round; index < round + WORDS_A_ROUND; index += WORDS_A_STEP) {
      const step =
        markOthers(view[index] as number) +
        markOthers(view[index + 1] as number) +
        markOthers(view[index + 2] as number) +
        markOthers(view[index + 3] as number) +
        markOthers(view[index + 4] as number) +
        markOthers(view[index + 5] as number) +
        markOthers(view[index + 6] as number) +
        markOthers(view[index + 7] as number);
      // Without `| 0`, a sum of more than 31 bits would leave the engine's small integers, which are much faster.
      marks = (marks + step) | 0;
    }
    others += (marks & 0xff) + ((marks >>> 8) & 0xff) + ((marks >>> 16) & 0xff) + (marks >>> 24);
  }
  return edges + whole * 4 - others;
}

/** A 1 in each of the four bytes that is not a line feed. */
function markOthers(word: number): number {
  // A byte of `other` is zero for a line feed; in every other byte the sum carries into bit 7.
  const other = word ^ NEWLINES;
  return ((((other & LOW_BITS) + LOW_BITS) | other) >>> 7) & ONES;
}

function countBytewise(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) if (bytes[index] === NEWLINE) count++;
  return count;
}
