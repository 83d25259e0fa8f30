/** Lets batches pass, and shows each to `count`. */
export async function* counted<T>(
  batches: AsyncIterable<readonly T[]>,
  count: (batch: readonly T[]) => void,
): AsyncGenerator<readonly T[]> {
  for await (const batch of batches) {
    count(batch);
    yield batch;
  }
}
