import { DumpError } from '../errors.ts';
import { sniffForm } from './form.ts';

/** Errors about the bytes of one dump. */
export interface DumpFaults {
  fault(problem: string, remedy: string): DumpError;
  /** @param problem that no dump has which is as pg_dump wrote it */
  damaged(problem: string): DumpError;
  /** @param found what shows that the bytes are no plain dump */
  noDump(found: string): DumpError;
}

/** @param name what the dump is called in errors */
export function dumpFaults(name: string): DumpFaults {
  const fault = (problem: string, remedy: string) =>
    new DumpError({ doing: `cannot read the dump ${name}`, problem, remedy });
  return {
    fault,
    damaged: (problem) => fault(problem, 'take another dump; this one is not as pg_dump wrote it'),
    noDump: (found) => fault(`${found}, so it is no plain dump of pg_dump`, 'give a file that pg_dump wrote'),
  };
}

/** Byte order marks; a shell of Windows writes UTF-16 when a dump is redirected into a file. */
const MARKS: readonly [mark: Buffer, found: string][] = [
  [Buffer.from([0xff, 0xfe]), 'it is in UTF-16'],
  [Buffer.from([0xfe, 0xff]), 'it is in UTF-16'],
  [Buffer.from([0xef, 0xbb, 0xbf]), 'it begins with a byte order mark'],
];

/** What the first bytes of a file show it to be instead of a plain dump; undefined where they show nothing. */
export function otherThanPlain(head: Buffer): string | undefined {
  switch (sniffForm(head)) {
    case 'custom':
      return 'it is in pg_dump’s custom format';
    case 'gzip':
      return 'it is compressed with gzip';
    case 'zstd':
      return 'it is compressed with zstd';
    case 'plain':
      return MARKS.find(([mark]) => head.subarray(0, mark.length).equals(mark))?.[1];
  }
}
