import pLimit from 'p-limit';

/**
 * Works on several items concurrently. After the first failure no further item is begun, and those under way are
 * awaited, so that nothing continues behind the caller's back.
 *
 * @param concurrency how many items to work on at the same time
 * @returns the results, in the order of the items
 * @throws the first failure
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const limit = pLimit(concurrency);
  const results = new Array<R>(items.length);
  let failure: { readonly error: unknown } | undefined;
  const workAt = async (item: T, index: number) => {
    if (failure !== undefined) return;
    try {
      results[index] = await work(item);
    } catch (error) {
      failure ??= { error };
    }
  };
  await Promise.all(items.map((item, index) => limit(workAt, item, index)));
  if (failure !== undefined) throw failure.error;
  return results;
}
