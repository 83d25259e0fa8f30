import type { DumpFaults } from './faults.ts';
import { createGrowingBuffer } from './growing-buffer.ts';
import { countNewlines } from './newlines.ts';
import type { DumpToken } from './tokens.ts';

/** Longest comment and backslash command, in bytes. The longest of pg_dump names a function of a hundred arguments. */
const LONGEST_LINE = 256 * 1024;

const NEWLINE = 0x0a;

/** The bytes of a dump that are being read, and where in the dump they stand. Places are indexes into `bytes`. */
export interface DumpWindow {
  readonly bytes: Buffer;
  /** Bytes before it were read. */
  read: number;
  /** Bytes before it were given out. */
  readonly given: number;
  /** Byte offset in the dump of the byte at `at`. */
  offset(at: number): number;
  /** 1-based line in the dump of the byte at `at`, which was not given out yet. */
  line(at: number): number;
  /** Puts `chunk` behind what is left. */
  add(chunk: Buffer): void;
  /**
   * Gives out the bytes before `upTo` as text.
   *
   * @throws DumpError when a null byte is among them
   */
  text(upTo: number): Generator<DumpToken, void>;
  /** Passes over the bytes before `upTo`, which the caller gives out and which hold so many line feeds. */
  skip(upTo: number, lines: number): void;
  /** Counts bytes that come next in the dump and are not added. */
  leaveOut(length: number, lines: number): void;
  /**
   * Index after the line in which `read` stands; undefined when the bytes end before it and are not the last.
   *
   * @throws DumpError when the line is longer than any of pg_dump
   */
  lineEnd(final: boolean): number | undefined;
  /** Forgets what was given out; places move to the front by as much. */
  release(): void;
}

/**
 * An empty window at the beginning of a dump.
 *
 * @param faults makes the errors that its methods throw
 */
export function createDumpWindow({ damaged }: DumpFaults): DumpWindow {
  const pending = createGrowingBuffer();
  let bytes: Buffer = Buffer.alloc(0);
  let read = 0;
  let given = 0;
  /** Bytes before it hold no end of the line in which `read` stands. */
  let searched = 0;
  /** Offset in the dump of the first byte, and line of the first that was not given out. */
  let base = 0;
  let line = 1;

  const lineAt = (at: number) => line + countNewlines(bytes.subarray(given, at));

  return {
    get bytes() {
      return bytes;
    },
    get read() {
      return read;
    },
    set read(at) {
      read = at;
    },
    get given() {
      return given;
    },
    offset: (at) => base + at,
    line: lineAt,
    add(chunk) {
      bytes = pending.isEmpty() ? chunk : pending.append(chunk);
    },
    *text(upTo) {
      if (upTo <= given) return;
      const data = bytes.subarray(given, upTo);
      if (data.includes(0)) throw damaged(`there is a null byte at line ${lineAt(bytes.indexOf(0, given))}`);
      line += countNewlines(data);
      given = upTo;
      yield { type: 'text', data };
    },
    skip(upTo, lines) {
      line += lines;
      given = upTo;
    },
    leaveOut(length, lines) {
      base += length;
      line += lines;
    },
    lineEnd(final) {
      const found = bytes.indexOf(NEWLINE, Math.max(read, searched));
      const end = found < 0 ? bytes.length : found + 1;
      if (end - read > LONGEST_LINE) {
        throw damaged(`line ${lineAt(read)} is longer than ${LONGEST_LINE} bytes`);
      }
      searched = found < 0 ? end : 0;
      return found < 0 && !final ? undefined : end;
    },
    release() {
      const rest = bytes.subarray(given);
      pending.keep(rest);
      bytes = rest;
      base += given;
      read -= given;
      searched = Math.max(0, searched - given);
      given = 0;
    },
  };
}
