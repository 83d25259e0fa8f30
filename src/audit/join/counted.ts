/** Passes batches through, calling `count` with each. */
export async function* counted<T>(
  batches: AsyncIterable<readonly T[]>,
  count: (batch: readonly T[]) => void,
): AsyncGenerator<readonly T[]> {
  for await (const batch of batches) {
    count(batch);
    yield batch;
  }
}
