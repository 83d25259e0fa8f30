import { createScanner } from '../../src/dump/scanner.ts';
import type { Environment } from './database.ts';
import { runPgDump } from './run-pg-dump.ts';

/** Everything in a database as SQL, but for the key of `\restrict`, which is another one in each dump. */
export async function wholeDump(env: Environment, name: string): Promise<Buffer> {
  const dump = await runPgDump(env, [name]);
  return Buffer.from(dump.toString('latin1').replace(/^(\\(?:un)?restrict) \w+$/gm, '$1'), 'latin1');
}

/** The dump with the rows of each table sorted. */
export function withRowsSorted(dump: Buffer): Buffer {
  const scanner = createScanner('dump');
  for (const _ of scanner.push(dump));
  for (const _ of scanner.end());
  const parts: Buffer[] = [];
  let at = 0;
  for (const { offset, bytes } of scanner.finish().tables) {
    const rows = dump
      .toString('latin1', offset, offset + bytes)
      .split('\n')
      .slice(0, -1);
    parts.push(
      dump.subarray(at, offset),
      Buffer.from(
        rows
          .sort()
          .map((row) => `${row}\n`)
          .join(''),
        'latin1',
      ),
    );
    at = offset + bytes;
  }
  return Buffer.concat([...parts, dump.subarray(at)]);
}

/** The first line that differs, short enough to be read; undefined when there is none. */
export function firstDifference(expected: Buffer, found: Buffer): string | undefined {
  if (expected.equals(found)) return undefined;
  const lines = [expected, found].map((dump) => dump.toString('latin1').split('\n'));
  const at = lines[0]!.findIndex((line, number) => line !== lines[1]![number]);
  const [before, after] = lines.map((all) =>
    JSON.stringify(all.slice(Math.max(0, at - 3), at + 1)).slice(-500),
  );
  return `line ${at + 1} is ${after} instead of ${before}`;
}
