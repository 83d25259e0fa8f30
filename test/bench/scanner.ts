import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { createScanner, drain } from '../../src/dump/scanner.ts';
import { createTokenizer } from '../../src/dump/tokenizer.ts';
import { inTurns, median, type Subject } from './bench.ts';

/** What a pipe of pg_dump gives at a time. */
const CHUNK = 64 * 1024;

/** How fast the scanner reads rows, in this process, on one core. */
export const SCANNER: Subject = {
  name: 'scanner',
  about: 'COPY rows through the scanner, with and without its hashes',
  async run({ large, rounds, signal }) {
    const chunks = copyChunks(large.bytes);
    const rate = async (work: (chunks: readonly Buffer[]) => void) => {
      // The work is synchronous; a signal is heard in between.
      await setImmediate();
      signal.throwIfAborted();
      return throughput(chunks, () => work(chunks));
    };
    const { first, second } = await inTurns(
      rounds,
      async () => ({ tokenizing: await rate(tokenize), hashing: await rate(hash) }),
      () => rate(scan),
    );
    const hashing = median(first.map((rates) => rates.hashing));
    const perSecond = (rate: number) => `${rate.toFixed(0)} MB/s`;
    return [
      {
        subject: 'scanner without hashes',
        measured: perSecond(median(first.map((rates) => rates.tokenizing))),
        baseline: '–',
        ratio: undefined,
        goal: '≥ 600 MB/s',
      },
      {
        subject: 'scanner with hashes',
        measured: perSecond(median(second)),
        baseline: `SHA-256 alone ${perSecond(hashing)}`,
        ratio: median(second) / hashing,
        goal: '≥ 600 MB/s',
      },
    ];
  },
};

/** One table's rows of about 250 bytes, as a dump in chunks; the last chunk ends the dump. */
function copyChunks(bytes: number): Buffer[] {
  const rows = Array.from(
    { length: 4000 },
    (_, row) => `${row}\t2025-01-01 00:00:00+00\t${'x'.repeat(200 + (row % 50))}\\n\n`,
  );
  const block = Buffer.from(rows.join(''));
  const head = '--\n-- PostgreSQL database dump\n--\n\nCOPY public.t (a, b, c) FROM stdin;\n';
  const tail = '\\.\n\n--\n-- PostgreSQL database dump complete\n--\n';
  const body = Array.from({ length: Math.ceil(bytes / CHUNK) }, (_, index) => {
    const at = (index * CHUNK) % (block.length - CHUNK);
    return block.subarray(at, at + CHUNK);
  });
  return [Buffer.from(head), ...body, Buffer.from(`\n${tail}`)];
}

/** Megabytes a second. */
function throughput(chunks: readonly Buffer[], work: () => void): number {
  const began = performance.now();
  work();
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return bytes / 1e3 / (performance.now() - began);
}

function tokenize(chunks: readonly Buffer[]): void {
  const tokenizer = createTokenizer('bench');
  for (const chunk of chunks) drain(tokenizer.push(chunk));
  drain(tokenizer.end());
}

function scan(chunks: readonly Buffer[]): void {
  const scanner = createScanner('bench');
  for (const chunk of chunks) drain(scanner.push(chunk));
  drain(scanner.end());
}

function hash(chunks: readonly Buffer[]): void {
  const sha256 = createHash('sha256');
  for (const chunk of chunks) sha256.update(chunk);
  sha256.digest();
}
