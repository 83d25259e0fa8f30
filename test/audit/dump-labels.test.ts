import { expect, test } from 'vitest';
import { findLabels } from '../../src/audit/dumped/dump-labels.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { scanDump } from '../../src/dump/scanner.ts';
import { complete } from '../retention/backups.ts';
import { dumpText, entry, textSource } from '../support/dump-text.ts';

const MIB = 2 ** 20;
const signal = new AbortController().signal;

test('of rows with large values, only what labels come from is held', async () => {
  const ids = Array.from({ length: 10 }, (_, at) => String(at + 1));
  const large = Buffer.alloc(8 * MIB, 'x');
  const [reports, end] = dumpText(
    `${entry('TABLE DATA', 'report')}COPY public.report (id, creator_id, body) FROM stdin;\n<rows>\\.\n\n` +
      `${entry('TABLE DATA', 'users_user')}COPY public.users_user (id, username) FROM stdin;\n7\tada\n\\.\n\n`,
  ).split('<rows>');
  const text = Buffer.concat([
    Buffer.from(reports ?? ''),
    ...ids.flatMap((id) => [Buffer.from(`${id}\t7\t`), large, Buffer.from('\n')]),
    Buffer.from(end ?? ''),
  ]);
  const { tables, encoding = null } = await scanDump('dump.sql', textSource(text).read(signal), {
    onBytes: () => {},
  });
  const { manifest } = complete('2026-01-01 00:00');
  const own = { ...(manifest as Manifest), encoding, tables: structuredClone(tables) as Manifest['tables'] };
  const source = textSource(text, { manifest: own });
  const before = process.memoryUsage().heapUsed;
  let held = 0;
  const labels = await findLabels(
    {
      ...source,
      // Asked for each table; the last one is that of the users.
      ranges: (by) => {
        held = process.memoryUsage().heapUsed - before;
        return source.ranges(by);
      },
    },
    ids.map((primaryKey) => ({ table: 'report', primaryKey })),
    signal,
  );
  expect([...labels.values()]).toEqual(ids.map(() => ({ topography: null, surface: null, owner: 'ada' })));
  expect(held).toBeLessThan(40 * MIB);
});
