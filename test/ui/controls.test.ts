import { spawnSync } from 'node:child_process';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import {
  escapeControls,
  escapeInLines,
  escapeInStack,
  joinLines,
  unescapeControls,
} from '../../src/ui/controls.ts';
import { renderTable } from '../../src/ui/table.ts';

test.each([
  ['media/\x1b]0;x\x07', 'media/\\x1b]0;x\\x07'],
  ['two\r\nlines', 'two\\x0d\\x0alines'],
  ['\x00\x7f\x9b', '\\x00\\x7f\\x9b'],
  ['粗糙 é\\ שָׁלוֹם', '粗糙 é\\ שָׁלוֹם'],
  // A terminal would show the end of this name as exe.pdf.
  ['report\u202efdp.exe\u2066\u200f', 'report\\u202efdp.exe\\u2066\\u200f'],
])('%j is shown as %s, and read back', (text, shown) => {
  expect(escapeControls(text)).toBe(shown);
  expect(unescapeControls(shown)).toBe(text);
});

test('what only looks like a control character that is shown stays', () => {
  expect(unescapeControls('C:\\x41\\u0041\\x1\\x0A')).toBe('C:\\x41\\u0041\\x1\\x0A');
});

test('of several lines, and of a stack trace, the lines stay and nothing else', () => {
  expect(escapeInLines('a\x1bb\nc\td')).toBe('a\\x1bb\nc\\x09d');
  expect(joinLines(['a\nb', 'c\td'])).toBe('a\\x0ab\nc\\x09d');
  expect(escapeInStack('Error: a\nb\x1b\n    at f (x.js:1)\ncaused by Error: c\n    at g')).toBe(
    'Error: a\\x0ab\\x1b\n    at f (x.js:1)\ncaused by Error: c\n    at g',
  );
});

test('a cell with control characters neither breaks its row nor moves the others', () => {
  const table = renderTable([{ title: 'key' }, { title: 'size' }], [['a\nb\x1b[1m', '1']]);
  expect(table).toBe('KEY            SIZE\na\\x0ab\\x1b[1m  1');
});

/** What a log writes to stderr, in a process of its own. */
function logged(format: 'text' | 'json', level: 'warn' | 'debug', message: string): string {
  const contents = `import { createLog } from './src/ui/log.ts';
    createLog({ level: 'debug', format: '${format}' }).${level}(${JSON.stringify(message)});`;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const [script] = outputFiles;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script!.text], { encoding: 'utf8' })
    .stderr;
}

test('a line of the log is one line without control characters, whatever it names', () => {
  expect(logged('text', 'warn', 'left media/\x1b[2J\nb')).toMatch(
    /^\[.*\] WARN: left media\/\\x1b\[2J\\x0ab\n$/,
  );
  const line = logged('json', 'warn', 'left media/\x1b[2J\nb');
  expect(JSON.parse(line)).toMatchObject({ msg: 'left media/\x1b[2J\nb' });
});

test('a stack trace is logged in lines', () => {
  expect(logged('text', 'debug', 'Error: a\x1b\n    at f')).toMatch(/DEBUG: Error: a\\x1b\n {4}at f\n$/);
});
