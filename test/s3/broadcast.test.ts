import { expect, test } from 'vitest';
import { broadcast } from '../../src/s3/broadcast.ts';

async function* numbers(): AsyncGenerator<number> {
  for (let n = 1; n <= 5; n++) yield n;
}

async function collect(items: AsyncIterable<number>, most = Number.POSITIVE_INFINITY): Promise<number[]> {
  const found: number[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length === most) break;
  }
  return found;
}

test('every reader gets everything; one that leaves holds up no other', async () => {
  const [all, few, none] = broadcast(numbers(), 3);
  await none!.return!();
  expect(await Promise.all([collect(all!), collect(few!, 2)])).toEqual([
    [1, 2, 3, 4, 5],
    [1, 2],
  ]);
});

test('a reader that leaves while it waits costs the others nothing', async () => {
  const [all, left] = broadcast(numbers(), 2);
  const waited = left!.next();
  await left!.return!();
  expect(await collect(all!)).toEqual([1, 2, 3, 4, 5]);
  expect(await waited).toEqual({ done: false, value: 1 });
});

test('when all leave, none goes on waiting', async () => {
  const readers = broadcast(numbers(), 2);
  const waited = readers[0]!.next();
  for (const reader of readers) await reader.return!();
  expect(await waited).toEqual({ done: true, value: undefined });
});

test('the source is closed when the last reader leaves, and fails for all', async () => {
  const closed: string[] = [];
  async function* endless(): AsyncGenerator<number> {
    try {
      for (;;) yield 1;
    } finally {
      closed.push('source');
    }
  }
  await Promise.all(broadcast(endless(), 2).map((reader) => collect(reader, 3)));
  expect(closed).toEqual(['source']);
  // biome-ignore lint/correctness/useYield: a source that fails has nothing to give
  async function* failing(): AsyncGenerator<number> {
    throw new Error('lost');
  }
  const outcomes = await Promise.allSettled(broadcast(failing(), 2).map((reader) => collect(reader)));
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('whoever asks again when the source is done or has failed is told at once that there is no more', async () => {
  const DONE = { done: true, value: undefined };
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error('lost');
  }
  for (const source of [numbers(), failing()]) {
    const [asks, idle] = broadcast(source, 2);
    await Promise.allSettled([collect(asks!), collect(idle!)]);
    expect(await Promise.all([asks!.next(), asks!.next()])).toEqual([DONE, DONE]);
    expect(await idle!.next()).toEqual(DONE);
  }
});
