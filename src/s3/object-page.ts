import type { ObjectInfo } from './store.ts';

/**
 * A page of a listing, with at least one object. Until taken it may hold only the server's answer: its objects are
 * created when they are taken.
 */
export interface ObjectPage<O extends ObjectInfo = ObjectInfo> {
  readonly lastKey: string;
  /** Its objects, in the order of their keys' bytes. May be called only once; afterwards the page holds nothing. */
  take(): readonly O[];
}

/** A page of existing objects; undefined if there are none. */
export function pageOf<O extends ObjectInfo>(objects: readonly O[]): ObjectPage<O> | undefined {
  const last = objects.at(-1);
  return last && { lastKey: last.key, take: () => objects };
}

/** The objects of each page. */
export async function* takePages<O extends ObjectInfo>(
  pages: AsyncIterable<ObjectPage<O>>,
): AsyncGenerator<readonly O[]> {
  for await (const page of pages) yield page.take();
}
