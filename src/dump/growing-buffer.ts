/** A buffer that is larger than this is given back once it is empty. */
const LARGEST_KEPT = 1024 ** 2;

/** Holds what is left of one chunk until the next comes. */
export interface GrowingBuffer {
  isEmpty(): boolean;
  /** What is held, followed by `chunk`, as one view that holds until the next call. */
  append(chunk: Buffer): Buffer;
  /** Holds these bytes, which may be a view of the buffer itself, and nothing else. */
  keep(rest: Buffer): void;
}

/** Its room doubles when it runs out, so that a long statement is not copied again with each of its chunks. */
export function createGrowingBuffer(): GrowingBuffer {
  let room = Buffer.alloc(0);
  let length = 0;

  return {
    isEmpty: () => length === 0,
    append(chunk) {
      const needed = length + chunk.length;
      if (needed > room.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, room.length * 2));
        room.copy(larger, 0, 0, length);
        room = larger;
      }
      chunk.copy(room, length);
      length = needed;
      return room.subarray(0, length);
    },
    keep(rest) {
      if (rest.length === 0) {
        length = 0;
        if (room.length > LARGEST_KEPT) room = Buffer.alloc(0);
        return;
      }
      if (rest.buffer === room.buffer && room.length > 0) {
        const from = rest.byteOffset - room.byteOffset;
        // What only grows stays where it is.
        if (from > 0) room.copyWithin(0, from, from + rest.length);
      } else {
        if (rest.length > room.length) room = Buffer.allocUnsafeSlow(rest.length * 2);
        rest.copy(room);
      }
      length = rest.length;
    },
  };
}
