/** Passes items through, such as the chunks of a dump, and shows each to `see` before it is taken. */
export async function* watched<T>(items: AsyncIterable<T>, see: (item: T) => void): AsyncGenerator<T> {
  for await (const item of items) {
    see(item);
    yield item;
  }
}
