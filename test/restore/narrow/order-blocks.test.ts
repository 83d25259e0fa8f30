import { expect, test } from 'vitest';
import { orderBlocks, type RowOrder } from '../../../src/restore/narrow/order-blocks.ts';

const CASES: readonly (readonly [blocks: string, order: string, expected: string])[] = [
  ['a b c', '', 'a b c'],
  ['a b c', 'a>b', 'b a c'],
  ['a b c', 'a>b b>c', 'c b a'],
  ['a b c', 'b>a c>a', 'a b c'],
  ['a b', 'a>a', 'a b'],
  ['a b c', 'a>b b>a', 'c a b'],
  ['a b c', 'a>b b>c c>b', 'b a c'],
  ['a b c d', 'a>b b>a c>d d>c a>c', 'c d a b'],
  ['a b a', '', 'a a b'],
  ['a b a', 'a>b', 'b a a'],
  ['a b', 'a>elsewhere', 'a b'],
  ['', '', ''],
];

const parseOrder = (text: string): RowOrder[] =>
  words(text).map((pair) => {
    const [table, after] = pair.split('>') as [string, string];
    return { table, after };
  });

const words = (text: string) => text.split(' ').filter((word) => word !== '');

test.each(CASES)('%s, where %s, are taken as %s', (blocks, order, expected) => {
  const named = words(blocks).map((name) => ({ schema: '', name }));
  const ordered = orderBlocks(named, parseOrder(order));
  expect(ordered.map(({ name }) => name).join(' ')).toBe(expected);
});
