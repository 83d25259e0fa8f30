import { expect, test } from 'vitest';
import {
  formatBytes,
  formatContents,
  formatCount,
  formatDuration,
  formatHash,
  formatTime,
} from '../../src/ui/format.ts';
import { describeProgress } from '../../src/ui/progress.ts';
import { renderTable } from '../../src/ui/table.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1_460_288_881, '1.36 GiB'],
])('%d bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0s'],
  [1500, '1.5s'],
  [59_999, '59s'],
  [425_000, '7m 5s'],
  [90_061_000, '1d 1h'],
  [-5, '0s'],
])('%d ms read %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('of a hash as much is shown as people compare; what is no hash stays whole', () => {
  expect(formatHash('0123456789abcdef'.repeat(4))).toBe('sha256:0123456789ab…');
  expect(['10 rows', 'nothing', '0123456789abcdef'].map(formatHash)).toEqual([
    '10 rows',
    'nothing',
    '0123456789abcdef',
  ]);
});

test('counts and times read the same everywhere', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
  expect(formatTime(new Date('2026-11-23T10:30:00.9Z'))).toBe('2026-11-23 10:30:00 UTC');
});

test.each([
  [0, 0, 0, '0 B'],
  [0, 100, 1000, '0 B'],
  [1024 ** 2, 0, 1000, '1 MiB, 1 MiB/s'],
  [2 * 1024 ** 2, 12 * 1024 ** 2, 2000, '2 MiB, 1 MiB/s, about 10s left'],
  // Too early to tell, and too late to be worth it.
  [1024 ** 2, 11 * 1024 ** 2, 1000, '1 MiB, 1 MiB/s'],
  [1024, 1024 ** 3, 60_000, '1 KiB, 17 B/s'],
  [10 * 1024 ** 2, 10 * 1024 ** 2 + 1000, 10_000, '10 MiB, 1 MiB/s'],
  [2 * 1024 ** 2, 1024 ** 2, 1000, '2 MiB, 2 MiB/s'],
])('progress of %d of %d bytes in %d ms', (bytes, expected, ms, text) => {
  expect(describeProgress(bytes, expected, ms)).toBe(text);
});

test('columns align whatever the width of their characters, and no line ends with blanks', () => {
  const table = renderTable(
    [{ title: 'name' }, { title: 'size', align: 'right' }, { title: 'note' }],
    [
      ['粗糙', '1', 'x'],
      ['plain', '1000', ''],
      ['é\u0301', '22', 'y'],
    ],
  );
  const lines = table.split('\n');
  expect(lines).toEqual(['NAME   SIZE  NOTE', '粗糙      1  x', 'plain  1000', 'é\u0301        22  y']);
});

test.each([
  // Room for all of it, for some, and for less than any column needs.
  [60, 60],
  [200, 65],
  [40, 40],
  [10, 33],
])('on a terminal of %i characters a table takes %i at most, and no word is lost', (width, most) => {
  const words = ['password', 'authentication', 'failed', 'for', 'role', 'topobank'];
  const table = renderTable(
    [{ title: 'check' }, { title: 'found', wraps: true }, { title: 'remedy', wraps: true }],
    [
      ['connect', 'ok', ''],
      ['s3', words.join(' '), 'set it'],
    ],
    width,
  );
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(most);
  for (const word of [...words, 'connect', 's3', 'ok']) expect(table).toContain(word);
  expect(table.split('\n')[1]).toMatch(/^connect {2}ok$/);
});

test('a word that is longer than its column stays whole, and wide characters take no room from others', () => {
  const address = 'https://s3.eu-central-1.amazonaws.com/topobank-assets';
  const table = renderTable(
    [{ title: 'check' }, { title: 'found', wraps: true }],
    [
      ['s3', `no answer from ${address} in time`],
      ['name', '粗糙 粗糙 粗糙 粗糙 粗糙 粗糙 粗糙 粗糙'],
    ],
    30,
  );
  expect(table).toContain(address);
  expect(table.match(/粗糙/g)).toHaveLength(8);
});

test.each([
  [{ bytes: 2048, tables: 2, rows: 1234 }, '2 KiB, 2 tables, 1,234 rows'],
  [{ bytes: 2048, tables: 1, rows: 1 }, '2 KiB, 1 table, 1 row'],
  [{ bytes: 2048, tables: 0, rows: 0 }, '2 KiB, no COPY data'],
])('contents %j are %s', (contents, text) => {
  expect(formatContents(contents)).toBe(text);
});
