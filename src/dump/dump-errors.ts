import { DumpError } from '../errors.ts';

/** The remedy for a dump that somebody has changed. */
export const TAKE_ANOTHER = 'take another dump; this one is not as pg_dump wrote it';

/** Errors about the bytes of one dump. */
export interface DumpErrors {
  unreadable(problem: string, remedy: string): DumpError;
  /** @param problem one that a dump written by pg_dump never has */
  damaged(problem: string): DumpError;
  /**
   * @param found what shows that the bytes are not a plain dump
   * @param remedy if there is a better one than the default
   */
  noDump(found: string, remedy?: string): DumpError;
}

/** @param name what the dump is called in errors */
export function dumpErrors(name: string): DumpErrors {
  const unreadable = (problem: string, remedy: string) =>
    new DumpError({ doing: `cannot read the dump ${name}`, problem, remedy });
  return {
    unreadable,
    damaged: (problem) => unreadable(problem, TAKE_ANOTHER),
    noDump: (found, remedy = 'give a file written by pg_dump') =>
      unreadable(`${found}, so it is not a plain dump from pg_dump`, remedy),
  };
}
