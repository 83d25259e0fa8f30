import type { DumpErrors } from './dump-errors.ts';
import { createGrowingBuffer } from './growing-buffer.ts';
import { countNewlines } from './newlines.ts';
import type { DumpToken } from './tokens.ts';

/**
 * Maximum length of a comment or backslash command, in bytes. pg_dump's longest one names a function with a hundred
 * arguments.
 */
const LONGEST_LINE = 256 * 1024;

const NEWLINE = 0x0a;

/** The bytes of a dump that are being read, and their position in the dump. Places are indexes into `bytes`. */
export interface DumpWindow {
  readonly bytes: Buffer;
  /** All bytes before this index have been read. */
  read: number;
  /** All bytes before this index have been given out. */
  readonly given: number;
  /** Byte offset in the dump of the byte at `at`. */
  offset(at: number): number;
  /** 1-based line in the dump of the byte at `at`, which must not have been given out yet. */
  line(at: number): number;
  /** Appends `chunk` to what is left. */
  add(chunk: Buffer): void;
  /**
   * Gives out the bytes before `upTo` as text.
   *
   * @throws DumpError if there is a null byte among them
   */
  text(upTo: number): Generator<DumpToken, void>;
  /** Skips the bytes before `upTo`, which the caller gives out and which contain `lines` line feeds. */
  skip(upTo: number, lines: number): void;
  /** Counts the next bytes of the dump, which are not added. */
  leaveOut(length: number, lines: number): void;
  /**
   * Index after the line that `read` is in; undefined if the bytes end before it does and are not the last.
   *
   * @throws DumpError if the line is longer than any that pg_dump writes
   */
  lineEnd(final: boolean): number | undefined;
  /** Forgets what was given out; places shift down by as much. */
  release(): void;
}

/**
 * An empty window at the beginning of a dump.
 *
 * @param errors makes the errors that its methods throw
 */
export function createDumpWindow({ damaged }: DumpErrors): DumpWindow {
  const pending = createGrowingBuffer();
  /** No byte before this index ends the line that `read` is in. */
  let searched = 0;
  /** `base`: offset in the dump of the first byte; `line`: line of the first byte not yet given out. */
  let base = 0;
  let line = 1;

  const window: { -readonly [P in keyof DumpWindow]: DumpWindow[P] } = {
    bytes: Buffer.alloc(0),
    read: 0,
    given: 0,
    offset: (at) => base + at,
    line: (at) => line + countNewlines(window.bytes.subarray(window.given, at)),
    add(chunk) {
      window.bytes = pending.isEmpty() ? chunk : pending.append(chunk);
    },
    *text(upTo) {
      if (upTo <= window.given) return;
      const data = window.bytes.subarray(window.given, upTo);
      if (data.includes(0))
        throw damaged(`there is a null byte at line ${window.line(window.bytes.indexOf(0, window.given))}`);
      line += countNewlines(data);
      window.given = upTo;
      yield { type: 'text', data };
    },
    skip(upTo, lines) {
      line += lines;
      window.given = upTo;
    },
    leaveOut(length, lines) {
      base += length;
      line += lines;
    },
    lineEnd(final) {
      const found = window.bytes.indexOf(NEWLINE, Math.max(window.read, searched));
      const end = found < 0 ? window.bytes.length : found + 1;
      if (end - window.read > LONGEST_LINE) {
        throw damaged(`line ${window.line(window.read)} is longer than ${LONGEST_LINE} bytes`);
      }
      searched = found < 0 ? end : 0;
      return found < 0 && !final ? undefined : end;
    },
    release() {
      const rest = window.bytes.subarray(window.given);
      pending.keep(rest);
      window.bytes = rest;
      base += window.given;
      window.read -= window.given;
      searched = Math.max(0, searched - window.given);
      window.given = 0;
    },
  };
  return window;
}
