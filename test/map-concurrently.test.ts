import { expect, test } from 'vitest';
import { mapConcurrently } from '../src/map-concurrently.ts';

/** Work that ends when its item is told to. */
function controlled() {
  const begun: number[] = [];
  const ended: number[] = [];
  const enders = new Map<number, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  return {
    begun,
    ended,
    async work(item: number): Promise<string> {
      begun.push(item);
      try {
        return await new Promise<string>((resolve, reject) => enders.set(item, { resolve, reject }));
      } finally {
        ended.push(item);
      }
    },
    async succeed(item: number): Promise<void> {
      enders.get(item)!.resolve(`${item} done`);
      await settled();
    },
    async fail(item: number): Promise<void> {
      enders.get(item)!.reject(new Error(`${item} failed`));
      await settled();
    },
  };
}

/** Whatever can go on without anything from outside has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('so many items at a time, and the results in the order of the items', async () => {
  const { begun, work, succeed } = controlled();
  const mapped = mapConcurrently([1, 2, 3, 4], 2, work);
  await settled();
  expect(begun).toEqual([1, 2]);
  await succeed(2);
  expect(begun).toEqual([1, 2, 3]);
  await succeed(3);
  await succeed(4);
  await succeed(1);
  expect(await mapped).toEqual(['1 done', '2 done', '3 done', '4 done']);
});

test('after a failure no other item is begun, and what is under way is waited for', async () => {
  const { begun, ended, work, succeed, fail } = controlled();
  let thrown: unknown;
  const mapped = mapConcurrently([1, 2, 3, 4, 5], 3, work).catch((error: unknown) => {
    thrown = error;
  });
  await settled();
  await fail(2);
  expect({ begun, thrown }).toEqual({ begun: [1, 2, 3], thrown: undefined });
  await fail(3);
  expect(thrown).toBeUndefined();
  await succeed(1);
  await mapped;
  expect({ begun, ended, thrown }).toEqual({
    begun: [1, 2, 3],
    ended: [2, 3, 1],
    thrown: new Error('2 failed'),
  });
});

test('nothing to work on', async () => {
  expect(await mapConcurrently([], 4, async () => 'done')).toEqual([]);
});
