import type { ObjectInfo } from './store.ts';

/**
 * A page of a listing, which has at least one object. While it waits it may hold but the server's answer: its objects are
 * made when they are taken.
 */
export interface ObjectPage<O extends ObjectInfo = ObjectInfo> {
  readonly lastKey: string;
  /** Its objects, in the order of their keys' bytes. To be called once; afterwards the page holds nothing. */
  take(): readonly O[];
}

/** A page of objects that are there already; none of none. */
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
