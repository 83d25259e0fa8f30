/** Initial room for an answer, in bytes: enough for 1,000 objects with keys of usual length. */
const ANSWER_BYTES = 512 * 1024;
/** Initial room for numbers about its objects. */
const NOTES = 8 * 1024;
/** Most pages whose memory is kept for reuse. */
const MOST_FREE = 16;

/**
 * What holds a page of a listing while it waits, reused for later pages. Fresh memory for each page would outlive the
 * engine's collection of young objects, and old ones are collected rarely: a long listing would leave tens of
 * megabytes of garbage.
 */
export interface PageMemory {
  /** Room for the server's answer. */
  bytes: Buffer;
  /** Room for numbers about its objects. */
  notes: Float64Array;
}

/** Enough for most pages; {@link receive} and {@link noteRoom} enlarge it. */
export function newPageMemory(): PageMemory {
  return { bytes: Buffer.allocUnsafeSlow(ANSWER_BYTES), notes: new Float64Array(NOTES) };
}

/** Keeps memory that is no longer needed for a later page. */
export function giveBack(free: PageMemory[], memory: PageMemory): void {
  if (free.length < MOST_FREE) free.push(memory);
}

/** @returns the bytes received; valid until the memory is reused */
export async function receive(memory: PageMemory, body: AsyncIterable<Buffer>): Promise<Buffer> {
  let length = 0;
  for await (const chunk of body) {
    if (length + chunk.length > memory.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (length + chunk.length));
      memory.bytes.copy(larger, 0, 0, length);
      memory.bytes = larger;
    }
    length += chunk.copy(memory.bytes, length);
  }
  return memory.bytes.subarray(0, length);
}

/** @returns room for `length` numbers, keeping those already noted */
export function noteRoom(memory: PageMemory, length: number): Float64Array {
  if (length > memory.notes.length) {
    const larger = new Float64Array(2 * length);
    larger.set(memory.notes);
    memory.notes = larger;
  }
  return memory.notes;
}
