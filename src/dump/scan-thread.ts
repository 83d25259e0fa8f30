/** The thread of {@link scanInThread}, a separate entry point in the bundle. */
import { parentPort, workerData } from 'node:worker_threads';
import { DumpError } from '../errors.ts';
import type { Piece, ThreadAnswer, ThreadData } from './scan-in-thread.ts';
import { createScanner, drain } from './scanner.ts';

const { name } = workerData as ThreadData;
const scanner = createScanner(name);

parentPort?.on('message', (piece: Piece) => {
  parentPort?.postMessage(read(piece));
});

function read(piece: Piece): ThreadAnswer {
  try {
    if (piece === 'end') {
      drain(scanner.end());
      return { type: 'index', index: scanner.finish() };
    }
    for (const { buffer } of piece) drain(scanner.push(Buffer.from(buffer)));
    return { type: 'read' };
  } catch (error) {
    if (!(error instanceof DumpError)) throw error;
    const { doing, problem, remedy } = error;
    return { type: 'fault', parts: { doing, problem, ...(remedy === undefined ? {} : { remedy }) } };
  }
}
