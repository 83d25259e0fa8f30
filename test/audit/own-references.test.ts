import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readOwnReferences } from '../../src/audit/sources/own-references.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const scratch = scratchDirectory('references');

afterAll(() => scratch.remove());

const key = (table: string, column: string, under = '', written: string[] = []) => ({
  eras: [],
  tables: [table],
  owned: { kind: 'key', columns: [column], under },
  written,
});
const prefixes = (table: string, ...patterns: string[]) => ({
  eras: [],
  tables: [table],
  owned: { kind: 'prefix', patterns },
  written: [],
});

test.each([
  [undefined, []],
  ['[{"column": "blog_post.image"}]', [key('blog_post', 'image')]],
  [
    ' [{"column": "archive.document.path", "prefix": "documents/", "written": "modified"}]',
    [key('archive.document', 'path', 'documents/', ['modified'])],
  ],
  ['[{"table": "album", "owns": "albums/{id}/"}]', [prefixes('album', 'albums/{id}/')]],
  [
    '[{"table": "x.album", "owns": ["albums/{id}/", "zips/{owner_id}/{slug}.zip"]}, {"column": "a.b"}]',
    [prefixes('x.album', 'albums/{id}/', 'zips/{owner_id}/{slug}.zip'), key('a', 'b')],
  ],
  ['[{"column": "a.b", "optional": true}]', [{ ...key('a', 'b'), optional: true }]],
  [
    '[{"table": "a", "owns": "a/{id}/", "optional": true}]',
    [{ ...prefixes('a', 'a/{id}/'), optional: true }],
  ],
])('%s', async (setting, expected) => {
  expect(await readOwnReferences(setting)).toEqual(expected);
});

test('a file holds the same', async () => {
  const path = join(scratch.path, 'references.json');
  writeFileSync(path, '[\n  {"column": "blog_post.image"}\n]\n');
  expect(await readOwnReferences(path)).toEqual([key('blog_post', 'image')]);
  writeFileSync(path, '\uFEFF[{"column": "blog_post.image"}]');
  expect(await readOwnReferences(path)).toEqual([key('blog_post', 'image')]);
});

test.each([
  ['[{"column": "image"}]', /entry 1, column, is not accepted: expected table\.column/],
  [
    '[{"colum": "a.b"}]',
    /entry 1, colum, is not accepted: expected one of column, prefix, written, optional, table, owns/,
  ],
  ['[{"column": "a.b.c.d"}]', /entry 1, column,/],
  ['[{"column": "a.b"}, {"column": 7}]', /entry 2, column,/],
  [
    '[{"column": "a.b", "prefx": "x/"}]',
    /entry 1, prefx, is not accepted: expected one of column, prefix, written, optional — /,
  ],
  ['[{"column": "a.b", "table": "a"}]', /entry 1, table, is not accepted: expected one of column, prefix/],
  ['[{"table": "a", "own": "a/{id}/"}]', /entry 1, own, is not accepted: expected one of table, owns/],
  ['[{"column": "a.b", "optional": "yes"}]', /entry 1, optional, is not accepted/],
  ['[{"table": "a"}]', /entry 1, owns,/],
  ['[{"table": "a", "owns": "albums/"}]', /entry 1, owns,/],
  ['[{"table": "a", "owns": []}]', /entry 1, owns,/],
  [
    '[{"table": "a", "owns": ["a/{id}/", "b/"]}]',
    /^cannot use AUDIT_REFERENCES \(--references\): entry 1, owns, item 2, is not accepted: expected a prefix/,
  ],
  ['[{"table": "a", "owns": "albums/{id}/{"}]', /entry 1, owns,/],
  ['[{"table": "a", "owns": "albums/{id}}/"}]', /entry 1, owns,/],
  // Under the media prefix it would be a key with two slashes, and all that is there an orphan.
  ['[{"table": "a", "owns": "/albums/{id}/"}]', /entry 1, owns, .* without a leading slash/],
  ['[{"column": "a.b", "prefix": "/blog/"}]', /entry 1, prefix, .* without a leading slash/],
  ['[]', /it is not accepted: expected an array of at least one entry —/],
  ['{"column": "a.b"}', /it is not accepted: expected an array of at least one entry —/],
  ['[{"column": "a.b"}, 1]', /: entry 2 is not accepted: expected an object —/],
  ['[{"column": "a.b"', /it is not JSON/],
  ['/nowhere/references.json', /cannot read "\/nowhere\/references\.json" \(ENOENT\)/],
])('%s is refused', async (setting, message) => {
  const reading = readOwnReferences(setting);
  await expect(reading).rejects.toThrow(message);
  await expect(reading).rejects.toMatchObject({
    exitStatus: 2,
    remedy: expect.stringContaining('JSON array'),
  });
});
