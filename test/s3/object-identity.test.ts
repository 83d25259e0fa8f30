import { expect, test } from 'vitest';
import { compareWithRecorded, mayBeCopy } from '../../src/s3/object-identity.ts';

const GIB = 1024 ** 3;
const [plain, other] = ['a'.repeat(32), 'b'.repeat(32)];

test.each([
  ['another size', plain, plain, [1, 2], 'changed', false],
  ['one write', plain, plain, [1, 1], 'same', true],
  ['another write', plain, other, [1, 1], 'changed', false],
  ['in parts, and one write', `${plain}-2`, `${plain}-2`, [1, 1], 'same', true],
  ['in parts, and another write', `${plain}-2`, `${other}-2`, [1, 1], 'changed', true],
  ['copied out of parts', `${plain}-2`, other, [1, 1], 'not told', true],
  ['written in parts over a whole', plain, `${other}-2`, [1, 1], 'not told', true],
  ['too large to be copied but in parts', `${plain}-2`, `${other}-6`, [6 * GIB, 6 * GIB], 'not told', true],
] as const)('%s', (_what, recorded, present, [before, now], likeness, isCopy) => {
  const [a, b] = [
    { etag: recorded, bytes: before, hidesMd5: false },
    { etag: present, bytes: now, hidesMd5: false },
  ];
  expect(compareWithRecorded(a, b)).toBe(likeness);
  expect(mayBeCopy(a, b)).toBe(isCopy);
  expect(mayBeCopy({ ...a, hidesMd5: true }, b)).toBe(before === now);
});
