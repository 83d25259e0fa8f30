/**
 * Hands what comes of one source to several readers, each of which gets everything. The next item is asked for when
 * every reader has taken the one before, so that but one is held; a reader that returns is waited for no more. When the
 * source is done or has failed, which every reader is told, whoever asks again is told at once that there is no more.
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

  /** Not every reader asks once more, and the one that does would wait for the others. */
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
          // Else the others' turn would seem complete, and one of them would miss an item.
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

/** An item that is yet to come. */
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
