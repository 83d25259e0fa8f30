import { expect, test } from 'vitest';
import { knownBy, type Manifest } from '../../src/catalog/manifest.ts';
import { proveHeadings } from '../../src/catalog/prove-headings.ts';
import { scanDump } from '../../src/dump/scanner.ts';
import { complete } from '../retention/backups.ts';
import { dumpText, entry, textSource } from '../support/dump-text.ts';

const signal = new AbortController().signal;

async function prove(text: Buffer, change: (manifest: Manifest) => Manifest = (manifest) => manifest) {
  const index = await scanDump('dump.sql', textSource(text).read(signal), { onBytes: () => {} });
  const { manifest } = complete('2026-01-01 00:00');
  const own = change({
    ...structuredClone(manifest as Manifest),
    tables: structuredClone(index.tables) as Manifest['tables'],
    encoding: index.encoding ?? null,
  });
  await proveHeadings(textSource(text, { manifest: own }), knownBy(own), own.tables, signal);
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
  ['no columns and no schema', 'UTF8', 'utf8', copy('COPY t FROM stdin;', '1')],
];

test.each(SPELLED)('the COPY statement of a table is found: %s', async (_, encoding, bytes, body) => {
  await expect(
    prove(Buffer.from(dumpText(body).replace("'UTF8'", `'${encoding}'`), bytes)),
  ).resolves.toBeUndefined();
});

test('a manifest that lacks the encoding of its dump is not read as one in that encoding', async () => {
  const text = Buffer.from(dumpText(copy('COPY public.t (a) FROM stdin;', '1')));
  await expect(prove(text, (manifest) => ({ ...manifest, encoding: null }))).rejects.toThrow(
    'its manifest does not match it: encoding is none there, but UTF8 in the dump',
  );
});
