import { expect, test } from 'vitest';
import { compareIndex, describeFault } from '../../src/catalog/compare-index.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { createScanner, drain } from '../../src/dump/scanner.ts';
import { complete } from '../retention/backups.ts';
import { dumpText, entry } from '../support/dump-text.ts';

const DUMP = dumpText(
  `${entry('TABLE DATA', 't')}COPY public.t (a) FROM stdin;\n1\n2\n\\.\n${entry('TABLE DATA', 'u')}COPY public.u (a) FROM stdin;\n\\.\n`,
);

function indexOf(text: string) {
  const scanner = createScanner('test.sql');
  drain(scanner.push(Buffer.from(text)));
  drain(scanner.end());
  return scanner.finish();
}

function manifestOf(text: string): Manifest {
  const { bytes, sections, tables } = indexOf(text);
  return structuredClone({ ...complete('2026-01-01 00:00').manifest, bytes, sections, tables }) as Manifest;
}

const faultsOf = (manifest: Manifest, text = DUMP) =>
  compareIndex(manifest, indexOf(text)).map(describeFault).join('\n');

test('a dump is what its own manifest says', () => {
  expect(faultsOf(manifestOf(DUMP))).toBe('');
});

test.each([
  ['a row more', DUMP.replace('2\n', '2\n3\n'), /\ntable public\.t is 3 rows instead of 2 rows\n/],
  [
    'a byte of a row',
    DUMP.replace('2\n', '9\n'),
    /^table public\.t is sha256:[0-9a-f]{12}… instead of sha256:[0-9a-f]{12}…$/,
  ],
  [
    'a byte of a statement',
    DUMP.replace('UTF8', 'UTF7'),
    /^section pre-data is sha256:[0-9a-f]{12}… instead of/,
  ],
  [
    'a table of another name',
    DUMP.replace('public.u', 'public.v'),
    /table public\.u is public\.v instead of public\.u/,
  ],
  [
    'a table less',
    DUMP.slice(0, DUMP.indexOf('COPY public.u')) + DUMP.slice(-50),
    /tables is 1 instead of 2\ntable public\.u is nothing instead of 0 rows$/,
  ],
])('what differs in the dump is named: %s', (_about, text, faults) => {
  expect(faultsOf(manifestOf(DUMP), text)).toMatch(faults);
});

test.each<[about: string, change: (manifest: Manifest) => void, fault: RegExp]>([
  ['no section', (manifest) => manifest.sections.splice(1, 1), /^section data is /],
  [
    'a section elsewhere',
    ({ sections }) => (sections[1]!.offset += 1),
    /^section data is \d+ bytes at \d+ instead of/,
  ],
  [
    'a table elsewhere',
    ({ tables }) => (tables[0]!.offset += 1),
    /^table public\.t is 4 bytes at \d+ instead of/,
  ],
  ['other rows', ({ tables }) => (tables[0]!.rows = 3), /^table public\.t is 2 rows instead of 3 rows$/],
])('what differs in the manifest is named: %s', (_about, change, fault) => {
  const manifest = manifestOf(DUMP);
  change(manifest);
  expect(faultsOf(manifest)).toMatch(fault);
});
