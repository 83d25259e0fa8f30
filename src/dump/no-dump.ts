import { DumpError } from '../errors.ts';

/** Errors about the bytes of one dump. */
export interface DumpFaults {
  fault(problem: string, remedy: string): DumpError;
  /** @param found what shows that the bytes are no plain dump */
  noDump(found: string): DumpError;
}

/** @param name what the dump is called in errors */
export function dumpFaults(name: string): DumpFaults {
  const fault = (problem: string, remedy: string) =>
    new DumpError({ doing: `cannot read the dump ${name}`, problem, remedy });
  return {
    fault,
    noDump: (found) => fault(`${found}, so it is no plain dump of pg_dump`, 'give a file that pg_dump wrote'),
  };
}

/** What the first bytes of a file show it to be instead of a plain dump; undefined where they show nothing. */
export function otherThanPlain(head: Buffer): string | undefined {
  if (head.toString('latin1', 0, 5) === 'PGDMP') return 'it is in pg_dump’s custom format';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'it is compressed with gzip';
  return undefined;
}
