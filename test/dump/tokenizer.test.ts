import { expect, test } from 'vitest';
import { STATEMENT_HEAD, type StatementsAs } from '../../src/dump/statement-reader.ts';
import { createTokenizer } from '../../src/dump/tokenizer.ts';
import type { DumpToken } from '../../src/dump/tokens.ts';
import { DumpError } from '../../src/errors.ts';
import { dumpText, entry } from '../support/dump-text.ts';

function copyOf(token: DumpToken): DumpToken {
  if ('data' in token) return { ...token, data: Buffer.from(token.data) };
  return 'sql' in token ? { ...token, sql: Buffer.from(token.sql) } : token;
}

function tokensOf(text: string | Buffer, chunkBytes = 1 << 20, as: StatementsAs = 'heads'): DumpToken[] {
  const bytes = Buffer.from(text);
  const tokenizer = createTokenizer('test.sql', as);
  const tokens: DumpToken[] = [];
  const take = (given: Iterable<DumpToken>) => {
    // Buffers hold until the next chunk only.
    for (const token of given) tokens.push(copyOf(token));
  };
  for (let at = 0; at < bytes.length; at += chunkBytes)
    take(tokenizer.push(bytes.subarray(at, at + chunkBytes)));
  take(tokenizer.end());
  return tokens;
}

/** The statements of a dump whose body is `body`, without pg_dump's own first one. */
function statementsOf(body: string): string[] {
  return tokensOf(dumpText(body))
    .filter((token) => token.type === 'statement')
    .map(({ sql }) => sql.toString())
    .slice(1);
}

test.each([
  ['a plain one', ['SELECT 1;']],
  ['two on a line', ['SELECT 1;', 'SELECT 2;']],
  ['a semicolon in a string', ["SELECT ';';"]],
  ['a doubled quote', ["SELECT 'it''s; fine';"]],
  ['a backslash in a standard string', ["SELECT 'c:\\';", 'SELECT 2;']],
  ['an escaped quote in E strings', ["SELECT E'it\\'s; fine', e'\\\\';", 'SELECT 2;']],
  ['an E string with a doubled quote', ["SELECT E'a''\\';b';"]],
  ['an E string that goes on in the next line', ["SELECT E'a'\n  '\\'; b';", 'SELECT 2;']],
  ['a string that goes on in the next line', ["SELECT 'a\\'\n  '; b\\';", 'SELECT 2;']],
  ['an E string and another string', ["SELECT E'\\'' , '\\';", 'SELECT 2;']],
  ['a word that ends in e before a string', ["SELECT date'2020-01-01\\';", 'SELECT 2;']],
  ['unicode escapes', ["SELECT U&'d\\0061t;';"]],
  ['a quoted identifier', ['CREATE TABLE "a;b""c" ();']],
  ['a quote in an identifier', [`CREATE TABLE "it's" ();`, "SELECT ';';"]],
  ['dollar quotes', ['DO $$ begin; end; $$;']],
  ['dollar quotes with a tag', ['DO $_x1$ ; $$ ; $_x$ ; $_x1$;']],
  ['a tag of other letters', ['DO $é$ ; $e$ ; $é$;']],
  ['a parameter, which is no tag', ['PREPARE p AS SELECT $1;', 'SELECT $2;']],
  ['a dollar within a word', ['SELECT a$b$c;', 'SELECT $b$;$b$;']],
  ['a line comment', ['SELECT 1 -- ; not yet\n;']],
  ['a quote in a line comment', ["SELECT 1 -- it's\n;", 'SELECT 2;']],
  ['nested comments', ['SELECT /* ; /* ; */ ; */ 1;']],
  ['a comment that is no comment', ['SELECT 1 - - 2 / 3 * 4;']],
  ['a comment sign in a string', ["SELECT '--', '/*';", 'SELECT 2;']],
  ['parentheses', ['CREATE RULE r AS ON UPDATE TO t DO (SELECT 1; SELECT 2);']],
  [
    'a body in standard SQL',
    ['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;', 'SELECT 3;'],
  ],
  [
    'CASE within such a body, in parentheses and nested',
    [
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT (CASE WHEN (1 = 1) THEN 2 ELSE CASE 3 WHEN 4 THEN 5 END END); END;',
      'SELECT 3;',
    ],
  ],
  [
    'a comment within BEGIN ATOMIC',
    ['create function f() returns int begin /* ; */ atomic -- ;\nselect 1; end;', 'SELECT 3;'],
  ],
  [
    'begin as the name of a function, a type or a column',
    [
      "CREATE FUNCTION public.begin(atomic int) RETURNS public.begin LANGUAGE sql AS 'SELECT 1;';",
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.begin FROM public.begin t; SELECT 2; END;',
      'SELECT 3;',
    ],
  ],
  [
    'end and case as names within a body',
    [
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t."end" AS "case" FROM t; SELECT 2; END;',
      'SELECT 3;',
    ],
  ],
  [
    'CASE within such a body',
    ['CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;'],
  ],
  ['words in other statements', ['CREATE TABLE "begin" (a int);', 'COMMENT ON COLUMN t.begin IS NULL;']],
  [
    'a function whose body is quoted',
    ["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; begin';", 'SELECT 2;'],
  ],
  ['COPY in a dollar quote', ['DO $$\nCOPY t FROM stdin;\n1\n\\.\n$$;']],
  ['COPY in a string', ["SELECT '\nCOPY t (a) FROM stdin;\n1\n\\.\n';"]],
  ['COPY to a file', ["COPY t TO '/tmp/x';"]],
  ['an entry’s comment in a string', [`SELECT '\n${entry('TABLE', 'x')}';`]],
  ['letters of several bytes', ["SELECT 'ß; 粗糙', ünïcode;"]],
])('a statement ends at its own semicolon: %s', (_name, statements) => {
  for (const separator of ['\n', ' ', '\n\n-- a comment; with one\n']) {
    expect(statementsOf(`${statements.join(separator)}\n`)).toEqual(statements);
  }
});

test('with standard_conforming_strings off a backslash escapes in plain strings too', () => {
  const statements = ['SET standard_conforming_strings = off;', "SELECT 'it\\'s; fine';", 'SELECT 2;'];
  expect(statementsOf(`${statements.join('\n')}\n`)).toEqual(statements);
});

test.each([
  ['the end mark alone', '', 0],
  ['rows', '1\t2\n3\t4\n', 2],
  ['an escaped backslash and dot', '\\\\.\n\\\\\\\\.\n', 2],
  ['a dot, a backslash, and both within a row', '.\n\\N\na\\\\.b\n', 3],
  ['text like statements', 'COPY t (a) FROM stdin;\n-- Name: x; Type: TABLE; Schema: -; Owner: -\n;\n', 3],
  ['empty rows', '\n\n\n', 3],
  ['carriage returns', 'a\\r\nb\r\n', 2],
  ['a backslash at the end of a row', 'a\\\\\n', 1],
  ['the mark at the end of a row', 'x\\\\.\n', 1],
])('rows end at the line \\. and nowhere else: %s', (_name, rows, count) => {
  const text = dumpText(`COPY public.t (a, "b c") FROM stdin;\n${rows}\\.\n\nSELECT 1;\n`);
  for (const chunkBytes of [1, 2, 3, 5, 7, 1000]) {
    const tokens = tokensOf(text, chunkBytes);
    const data = tokens.flatMap((token) => (token.type === 'copy-rows' ? [token.data] : []));
    expect(Buffer.concat(data).toString()).toBe(rows);
    expect(tokens.filter(({ type }) => type === 'copy-start')).toMatchObject([
      { schema: 'public', name: 't', columns: ['a', 'b c'], offset: text.indexOf('stdin;\n') + 7 },
    ]);
    expect(tokens.filter(({ type }) => type === 'copy-end')).toEqual([
      { type: 'copy-end', rows: count, bytes: rows.length },
    ]);
    expect(tokens.filter(({ type }) => type === 'statement')).toHaveLength(2);
  }
});

test('a row of many chunks is no strain', () => {
  const row = `${'x'.repeat(3_000_000)}\n`;
  const tokens = tokensOf(dumpText(`COPY public.t (a) FROM stdin;\n${row}${row}\\.\n`), 8192);
  expect(tokens.find(({ type }) => type === 'copy-end')).toEqual({
    type: 'copy-end',
    rows: 2,
    bytes: 2 * row.length,
  });
});

test.each([
  ['COPY public.t (a, b) FROM stdin;', { schema: 'public', name: 't', columns: ['a', 'b'] }],
  ['COPY t (a) FROM stdin;', { schema: '', name: 't', columns: ['a'] }],
  [
    'COPY "My Schema"."a.b" ("c,d", "e""f", "FROM stdin") FROM stdin;',
    { schema: 'My Schema', name: 'a.b', columns: ['c,d', 'e"f', 'FROM stdin'] },
  ],
  ['COPY public.nothing () FROM stdin;', { schema: 'public', name: 'nothing', columns: [] }],
  ['COPY public.nothing  FROM stdin;', { schema: 'public', name: 'nothing', columns: [] }],
  ['COPY public."größe" ("粗糙") FROM stdin;', { schema: 'public', name: 'größe', columns: ['粗糙'] }],
])('%s', (copy, target) => {
  const tokens = tokensOf(dumpText(`${copy}\n\\.\n`));
  expect(tokens.find(({ type }) => type === 'copy-start')).toMatchObject(target);
});

test('a backslash command gives its words and its line', () => {
  const tokens = tokensOf(dumpText('\\restrict abc\n\nSELECT 1;\n\\! rm -rf  /\n'));
  expect(tokens.filter(({ type }) => type === 'backslash')).toMatchObject([
    { command: 'restrict', argument: 'abc', line: 10 },
    { command: '!', argument: 'rm -rf  /', line: 13 },
  ]);
});

test('an entry gives its statements name, type, schema and owner, and each its line', () => {
  const text = dumpText(
    `-- Name: a; b; Type: TABLE; Schema: odd; name; Owner: me; you; Tablespace: fast\n\nCREATE TABLE x ();\nALTER TABLE x OWNER TO me;\n`,
  );
  const statements = tokensOf(text, 3)
    .filter((token) => token.type === 'statement')
    .slice(1);
  expect(statements).toMatchObject([
    { line: 12, entry: { name: 'a; b', type: 'TABLE', schema: 'odd; name', owner: 'me; you' } },
    { line: 13, entry: { name: 'a; b', type: 'TABLE' } },
  ]);
});

test.each([
  ['nothing', '', /it is empty/],
  ['something else', 'hello\n', /does not begin with pg_dump’s header/],
  ['much of something else', 'hello '.repeat(20_000), /header/],
  ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /compressed with gzip/],
  ['the custom format', 'PGDMP\x01', /custom format/],
  ['null bytes', dumpText('SELECT 1;\n-- \0\n'), /there is a null byte at line 11 —/],
  ['a cluster', '--\n-- PostgreSQL database cluster dump\n--\n', /whole cluster.*pg_dump/],
  ['UTF-16', Buffer.from('\ufeff--\n-- PostgreSQL database dump\n', 'utf16le'), /it is in UTF-16/],
  [
    'a byte order mark',
    `\ufeff${dumpText('SELECT 1;\n')}`,
    /byte order mark.* — remove the mark with tail -c \+4/,
  ],
  [
    'the tar format',
    `toc.dat${'\0'.repeat(200)}`,
    /tar format.* — convert it with pg_restore --file=dump\.sql DUMP\.tar and give dump\.sql/,
  ],
  [
    'xz',
    Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]),
    /compressed with xz.* — decompress it with xz -d/,
  ],
  ['bzip2', 'BZh91AY&SY', /compressed with bzip2.* — decompress it with bunzip2/],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), /compressed with zstd/],
  [
    'a second dump that is cut off',
    dumpText('SELECT 1;\n') + dumpText('SELECT 2;\n', { complete: false }),
    /without pg_dump’s closing line/,
  ],
  ['a comment without end', dumpText(`-- ${'x'.repeat(300_000)}\n`), /line 10 is longer than 262144 bytes/],
  ['no closing line', dumpText('SELECT 1;\n', { complete: false }), /without pg_dump’s closing line/],
  ['half a statement', dumpText('SELECT 1', { complete: false }), /inside the statement at line 10/],
  ['half a string', dumpText("SELECT '", { complete: false }), /inside the statement at line 10/],
  [
    'half of the rows',
    dumpText('COPY public.t (a) FROM stdin;\n1\n', { complete: false }),
    /inside the rows of public\.t/,
  ],
  [
    'a command within a statement',
    dumpText('SELECT 1 \\! touch x\n;\n'),
    /contains the command \\! inside.*line 10/,
  ],
])('a file that is no whole dump is refused: %s', (_name, content, message) => {
  for (const chunkBytes of [1, 64, 1 << 20]) {
    const read = () => tokensOf(content, chunkBytes);
    expect(read).toThrow(DumpError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^cannot read the dump test\.sql: [^\n]* — [^\n]*$/);
  }
});

test.each([
  ['heads', STATEMENT_HEAD],
  ['whole', 8 * STATEMENT_HEAD],
] as const)('a long statement is given as %s, whatever the chunks', (as, length) => {
  const statement = `SELECT '${'; '.repeat(4 * STATEMENT_HEAD - 5)}';`;
  expect(statement).toHaveLength(8 * STATEMENT_HEAD);
  const text = dumpText(`${statement}\nSELECT 2;\n`);
  for (const chunkBytes of [65_536, text.length]) {
    const tokens = tokensOf(text, chunkBytes, as);
    const statements = tokens.filter((token) => token.type === 'statement').slice(1);
    expect(statements.map(({ sql, line }) => [sql.length, line])).toEqual([
      [length, 10],
      [9, 11],
    ]);
    const given = tokens.map((token) => (token.type === 'text' ? token.data.length : 0));
    expect(given.reduce((sum, bytes) => sum + bytes, 0)).toBe(text.length);
    // What is not asked for whole is passed on as it comes.
    if (chunkBytes < text.length) expect(Math.max(...given) < 2 * STATEMENT_HEAD).toBe(as === 'heads');
  }
});
