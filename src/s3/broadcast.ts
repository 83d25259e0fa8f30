/**
 * Passes everything that one source yields to several readers. The next item is requested once every reader has taken
 * the previous one, so only one is held; a reader that returns is no longer waited for. When the source ends or
 * fails, every reader learns of it, and any later request ends at once.
 */
export function broadcast<T>(source: AsyncGenerator<T>, readers: number): AsyncIterableIterator<T>[] {
  let active = readers;
  let arrived = 0;
  let next = createTurn<T>();
  let ended = false;

  function advance(): void {
    if (ended || active === 0 || arrived < active) return;
    arrived = 0;
    const asked = next;
    next = createTurn();
    source.next().then(
      (item) => {
        asked.resolve(item);
        if (item.done === true) end();
      },
      (error: unknown) => {
        asked.reject(error);
        end();
      },
    );
  }

  /** Not every reader asks once more; without this, one that does would wait for the others. */
  function end(): void {
    ended = true;
    next.resolve({ done: true, value: undefined });
  }

  function createReader(): AsyncIterableIterator<T> {
    let left = false;
    let waitsFor: Turn<T> | undefined;
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next() {
        if (left) return Promise.resolve({ done: true, value: undefined });
        waitsFor = next;
        arrived += 1;
        advance();
        return waitsFor.promise;
      },
      async return() {
        if (!left) {
          left = true;
          active -= 1;
          // Otherwise the others' turn would seem complete, and one of them would miss an item.
          if (waitsFor === next) arrived -= 1;
          if (active > 0) advance();
          else {
            next.resolve({ done: true, value: undefined });
            await source.return(undefined);
          }
        }
        return { done: true, value: undefined };
      },
    };
  }

  return Array.from({ length: readers }, createReader);
}

/** An item yet to come. */
interface Turn<T> {
  readonly promise: Promise<IteratorResult<T>>;
  resolve(item: IteratorResult<T>): void;
  reject(error: unknown): void;
}

function createTurn<T>(): Turn<T> {
  let settle: Omit<Turn<T>, 'promise'> = { resolve: () => {}, reject: () => {} };
  const promise = new Promise<IteratorResult<T>>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
