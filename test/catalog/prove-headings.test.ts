import { expect, test } from 'vitest';
import { knownBy, type Manifest } from '../../src/catalog/manifest.ts';
import { proveHeadings } from '../../src/catalog/prove-headings.ts';
import type { ByteRange } from '../../src/dump/read-text.ts';
import { scanDump } from '../../src/dump/scanner.ts';
import { complete } from '../retention/backups.ts';
import { dumpText, entry, textSource } from '../support/dump-text.ts';

const signal = new AbortController().signal;

/** @returns how many requests that took */
async function prove(text: Buffer, change: (manifest: Manifest) => Manifest = (manifest) => manifest) {
  const index = await scanDump('dump.sql', textSource(text).read(signal), { onBytes: () => {} });
  const { manifest } = complete('2026-01-01 00:00');
  const own = change({
    ...structuredClone(manifest as Manifest),
    tables: structuredClone(index.tables) as Manifest['tables'],
    encoding: index.encoding ?? null,
  });
  const source = textSource(text, { manifest: own });
  const readRange = await source.ranges(signal);
  let requests = 0;
  const ranges = async () => (range: ByteRange, by: AbortSignal) => {
    requests += 1;
    return readRange!(range, by);
  };
  await proveHeadings({ ...source, ranges }, knownBy(own), own.tables, signal);
  return requests;
}

const copy = (statement: string, ...rows: readonly string[]) =>
  `${entry('TABLE DATA', 't')}${statement}\n${rows.map((row) => `${row}\n`).join('')}\\.\n\n`;

const SPELLED: readonly [what: string, encoding: string, bytes: 'utf8' | 'latin1', body: string][] = [
  ...[0, 1, 2, 3].map((at): [string, string, 'utf8', string] => [
    `characters of several bytes before it, ${at}`,
    'UTF8',
    'utf8',
    copy('COPY public.before (t) FROM stdin;', `${'x'.repeat(at)}${'€😀'.repeat(200)}`) +
      'COPY public."größe" ("ä") FROM stdin;\n1\n\\.\n',
  ]),
  [
    'rows before it that are not in the encoding',
    'SQL_ASCII',
    'latin1',
    `${copy('COPY public.before (t) FROM stdin;', 'é'.repeat(500))}COPY public."gr\u00c3\u00b6\u00c3\u009fe" (a) FROM stdin;\n1\n\\.\n`,
  ],
  [
    'letters of the encoding',
    'LATIN1',
    'latin1',
    copy('COPY public."größe" ("ä", "COPY b ", "c\n""COPY public.t (a) FROM stdin;") FROM stdin;', '1\t2\t3'),
  ],
  ['written by hand', 'UTF8', 'utf8', copy('copy\tpublic.t\n  (a,\n   b) from stdin;', '1\t2')],
  [
    'laid out by hand',
    'UTF8',
    'utf8',
    copy(
      `COPY public.t (\n${Array.from({ length: 300 }, (_, at) => `${' '.repeat(40)}c${at}`).join(',\n')}\n)${' '.repeat(300)}\nFROM stdin;`,
    ),
  ],
  ['no columns and no schema', 'UTF8', 'utf8', copy('COPY t FROM stdin;', '1')],
];

test.each(SPELLED)('the COPY statement of a table is found: %s', async (_, encoding, bytes, body) => {
  await expect(
    prove(Buffer.from(dumpText(body).replace("'UTF8'", `'${encoding}'`), bytes)),
  ).resolves.toBeDefined();
});

test('thousands of small tables take few requests', async () => {
  const part = (at: number) => copy(`COPY public.part_${at} (a) FROM stdin;`, `${at}`);
  const parts = Array.from({ length: 2000 }, (_, at) => part(at)).join('');
  const large = copy('COPY public.large (a) FROM stdin;', 'x'.repeat(1_000_000));
  const text = Buffer.from(dumpText(`${parts}${large}${part(2000)}`));
  const most = Buffer.byteLength(parts) / (64 * 1024);
  expect(await prove(text)).toBeLessThan(most + 4);
});

test('a table whose rows are said to begin where the dump does has no COPY statement', async () => {
  const text = Buffer.from(dumpText(copy('COPY public.t (a) FROM stdin;', '1')));
  const atBeginning = (manifest: Manifest) => ({
    ...manifest,
    tables: manifest.tables.map((table) => ({ ...table, offset: 0 })),
  });
  await expect(prove(text, atBeginning)).rejects.toThrow('public.t (a) there, but none in the dump');
});

test('a manifest that lacks the encoding of its dump is not read as one in that encoding', async () => {
  const text = Buffer.from(dumpText(copy('COPY public.t (a) FROM stdin;', '1')));
  await expect(prove(text, (manifest) => ({ ...manifest, encoding: null }))).rejects.toThrow(
    'its manifest does not match it: encoding is none there, but UTF8 in the dump',
  );
});
