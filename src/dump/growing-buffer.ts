/** A buffer larger than this is released once it is empty. */
const LARGEST_KEPT = 1024 ** 2;

/** Holds what is left of one chunk until the next arrives. */
interface GrowingBuffer {
  isEmpty(): boolean;
  /** What is held, followed by `chunk`, as one view that is valid until the next call. */
  append(chunk: Buffer): Buffer;
  /** Holds only these bytes, which may be a view of the buffer itself. */
  keep(rest: Buffer): void;
}

/** The capacity doubles when it runs out, so that a long statement is not copied again with each of its chunks. */
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
        // While the contents only grow, they need not be moved.
        if (from > 0) room.copyWithin(0, from, from + rest.length);
      } else {
        if (rest.length > room.length) room = Buffer.allocUnsafeSlow(rest.length * 2);
        rest.copy(room);
      }
      length = rest.length;
    },
  };
}
