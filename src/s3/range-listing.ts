import { stoppable } from '../stoppable.ts';
import { keyBytes } from './key-bytes.ts';
import { type ObjectPage, pageOf } from './object-page.ts';
import type { ObjectInfo } from './store.ts';

/** Pages of one range to read before they are needed. */
const PAGES_AHEAD = 2;

/**
 * Keys of a bucket after `after`, up to and including `upTo`, in the order of their UTF-8 bytes; undefined for no
 * bound.
 */
export interface KeyRange {
  readonly after: string | undefined;
  readonly upTo: string | undefined;
}

/** Lists what follows a key, in pages: {@link Store.listPages} or {@link Store.listVersionPages}. */
export type ListPages = (
  prefix: string,
  options: { readonly startAfter?: string; readonly signal: AbortSignal },
) => AsyncGenerator<ObjectPage>;

/**
 * Lists the objects under a prefix with several readers: each takes a range, and the results come in the order of the
 * ranges. Memory holds at most a few pages per reader, whatever the size of the bucket. An empty page stands for a
 * range without objects.
 *
 * @param ranges disjoint, ascending, and together the whole prefix; requested only when a reader is free, and
 * returned at the end
 * @param onRange called for each range that was read to its end, with the number of objects in it
 */
export async function* listRanges<R extends KeyRange>(
  listPages: ListPages,
  prefix: string,
  ranges: AsyncIterator<R>,
  options: {
    readonly readers: number;
    readonly signal: AbortSignal;
    readonly onRange: (range: R, objects: number) => void;
  },
): AsyncGenerator<readonly ObjectInfo[]> {
  const { either: signal, stop } = stoppable(options.signal);
  const begun: { readonly range: R; readonly pages: AsyncIterator<ObjectPage> }[] = [];
  try {
    for (;;) {
      while (begun.length < options.readers) {
        const next = await ranges.next();
        if (next.done === true) break;
        const range = next.value;
        begun.push({ range, pages: askAhead(listRange(listPages, prefix, range, signal), PAGES_AHEAD) });
      }
      const first = begun[0];
      if (first === undefined) return;
      let objects = 0;
      for (let page = await first.pages.next(); page.done !== true; page = await first.pages.next()) {
        const taken = page.value.take();
        objects += taken.length;
        yield taken;
      }
      begun.shift();
      options.onRange(first.range, objects);
      if (objects === 0) yield [];
    }
  } finally {
    stop();
    await Promise.allSettled([...begun.map(({ pages }) => pages.return?.()), ranges.return?.()]);
  }
}

async function* listRange(
  listPages: ListPages,
  prefix: string,
  { after, upTo }: KeyRange,
  signal: AbortSignal,
): AsyncGenerator<ObjectPage> {
  const last = upTo === undefined ? undefined : keyBytes(upTo);
  const pages = listPages(prefix, { signal, ...(after === undefined ? {} : { startAfter: after }) });
  for await (const page of pages) {
    if (last === undefined || keyBytes(page.lastKey) < last) {
      yield page;
      continue;
    }
    const within = pageOf(page.take().filter(({ key }) => keyBytes(key) <= last));
    if (within !== undefined) yield within;
    return;
  }
}

/** Requests the first values at once, and always `ahead` more than were taken. */
function askAhead<T>(source: AsyncGenerator<T>, ahead: number): AsyncIterator<T> {
  function ask(): Promise<IteratorResult<T>> {
    const next = source.next();
    // A failure reaches the consumer of this value, however late it asks.
    next.catch(() => {});
    return next;
  }

  const asked = Array.from({ length: ahead }, ask);
  return {
    next() {
      asked.push(ask());
      return asked.shift() ?? ask();
    },
    async return() {
      await Promise.allSettled([...asked, source.return(undefined)]);
      return { done: true, value: undefined };
    },
  };
}
