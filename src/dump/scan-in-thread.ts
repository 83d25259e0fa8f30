import { Worker } from 'node:worker_threads';
import { DumpError, type ErrorParts } from '../errors.ts';
import type { DumpIndex } from './dump-index.ts';
import type { ScanDump } from './scanner.ts';

/** Minimum number of bytes handed over at once. */
const PIECE_BYTES = 1024 ** 2;

/** Maximum number of pieces in flight. */
const PIECES_AHEAD = 8;

/** The data that a scanning thread is started with. */
export interface ThreadData {
  /** What the dump is called in errors. */
  readonly name: string;
}

/** The next bytes of the dump, in memory that the thread then owns. */
export type Piece = readonly Uint8Array<ArrayBuffer>[] | 'end';

/** A thread's answer to each piece, in order. */
export type ThreadAnswer =
  | { readonly type: 'read' }
  | { readonly type: 'fault'; readonly parts: ErrorParts }
  | { readonly type: 'index'; readonly index: DumpIndex };

/** Starts a thread that scans one dump. */
export type StartThread = (data: ThreadData) => Worker;

/**
 * Starts the thread whose file is next to this program's in the bundle; if the program is not bundled, there is none.
 */
export const startScanThread: StartThread = (data) =>
  new Worker(new URL('./scan-thread.js', import.meta.url), { workerData: data });

/**
 * Scans in a separate thread, so that hashing takes no time away from receiving the bytes. The dump's chunks are
 * handed over, not copied: nothing else may use them.
 */
export function scanInThread(startThread: StartThread): ScanDump {
  return async (name, dump, { onBytes }) => {
    const thread = startThread({ name });
    let sent = 0;
    let answered = 0;
    let index: DumpIndex | undefined;
    let failure: unknown;
    let wake = () => {};
    const fail = (error: unknown) => {
      failure ??= error;
      wake();
    };
    thread.on('error', fail);
    thread.on('exit', () => fail(new Error('the thread that scans the dump has ended')));
    thread.on('message', (answer: ThreadAnswer) => {
      if (answer.type === 'fault') return fail(new DumpError(answer.parts));
      if (answer.type === 'index') index = answer.index;
      answered += 1;
      wake();
    });

    async function until<T>(look: () => T | undefined): Promise<T> {
      for (;;) {
        if (failure !== undefined) throw failure;
        const seen = look();
        if (seen !== undefined) return seen;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }

    let piece: Buffer[] = [];
    let pieceBytes = 0;
    async function send(): Promise<void> {
      await until(() => sent - answered < PIECES_AHEAD || undefined);
      const owned = piece.map(inOwnMemory);
      thread.postMessage(
        owned,
        owned.map(({ buffer }) => buffer),
      );
      sent += 1;
      piece = [];
      pieceBytes = 0;
    }

    try {
      for await (const chunk of dump) {
        if (failure !== undefined) throw failure;
        const { length } = chunk;
        if (length > 0) piece.push(chunk);
        pieceBytes += length;
        // The first bytes alone identify most files that are not dumps.
        if (pieceBytes >= PIECE_BYTES || sent === 0) await send();
        onBytes(length);
      }
      await send();
      thread.postMessage('end' satisfies Piece);
      return await until(() => index);
    } finally {
      await thread.terminate();
    }
  };
}

/** A buffer can only be transferred as a whole, so bytes that share one with others are copied. */
function inOwnMemory({ buffer, byteOffset, length }: Buffer): Uint8Array<ArrayBuffer> {
  return buffer instanceof ArrayBuffer && buffer.byteLength === length
    ? new Uint8Array(buffer)
    : (new Uint8Array(buffer, byteOffset, length).slice() as Uint8Array<ArrayBuffer>);
}
