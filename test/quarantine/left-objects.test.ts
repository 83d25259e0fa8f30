import { expect, test } from 'vitest';
import { describeLeft, tallyLeft } from '../../src/quarantine/left-objects.ts';

test.each([
  [20, undefined],
  [21, 'and 1 more left in place; with LOG_LEVEL=debug, a run names all of them'],
  [2020, 'and 2,000 more left in place; with LOG_LEVEL=debug, a run names all of them'],
])('of %d objects left, the first twenty are named, and how to have the others named', (count, rest) => {
  const left = tallyLeft();
  for (let each = 1; each <= count; each++) left.add(`media/${each}`, 'another object has its key');
  const lines = describeLeft(left.summary(), 'in place');
  expect(lines[0]).toBe('left media/1: another object has its key');
  expect(lines[19]).toBe('left media/20: another object has its key');
  expect(lines[20]).toBe(rest);
});
