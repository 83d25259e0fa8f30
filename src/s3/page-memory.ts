/** Room for an answer at first, in bytes: of 1,000 objects with keys of a usual length. */
const ANSWER_BYTES = 512 * 1024;
/** Room at first for numbers about its objects. */
const NOTES = 8 * 1024;
/** Of more pages than so many, the memory is not kept. */
const MOST_FREE = 16;

/**
 * What a page of a listing is held in while it waits, used again for later ones. Memory of its own would outlive the
 * engine's collection of young objects, and it collects old ones but rarely: of a long listing, tens of megabytes would
 * lie about.
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

/** Keeps memory that is needed no more for a later page. */
export function giveBack(free: PageMemory[], memory: PageMemory): void {
  if (free.length < MOST_FREE) free.push(memory);
}

/** @returns what came, as long as the memory is used for nothing else */
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

/** @returns room for so many numbers; those that were noted stay */
export function noteRoom(memory: PageMemory, length: number): Float64Array {
  if (length > memory.notes.length) {
    const larger = new Float64Array(2 * length);
    larger.set(memory.notes);
    memory.notes = larger;
  }
  return memory.notes;
}
