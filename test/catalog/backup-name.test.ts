import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  backupId,
  dumpKey,
  idTime,
  keyBeside,
  manifestKey,
  parseObjectName,
} from '../../src/catalog/backup-name.ts';

test.each([
  ['backup/postgres-backup-20261123103000.sql', { part: 'dump', id: '20261123103000', compression: null }],
  [
    'backup/postgres-backup-20261123103000.sql.gz',
    { part: 'dump', id: '20261123103000', compression: 'gzip' },
  ],
  [
    'backup/postgres-backup-20261123103000.sql.zst',
    { part: 'dump', id: '20261123103000', compression: 'zstd' },
  ],
  [
    'backup/postgres-backup-20261123103000.dump',
    { part: 'dump', id: '20261123103000', compression: 'custom' },
  ],
  ['backup/postgres-backup-20261123103000.manifest.json', { part: 'manifest', id: '20261123103000' }],
  ['backup/postgres-backup-20261123103000.media.ndjson.gz', { part: 'media', id: '20261123103000' }],
  [
    'backup/postgres-backup-20261123103000.verified.json',
    { part: 'verified', id: '20261123103000', compression: null },
  ],
  [
    'backup/postgres-backup-20261123103000.sql.gz.verified.json',
    { part: 'verified', id: '20261123103000', compression: 'gzip' },
  ],
  [
    'backup/postgres-backup-20261123103000.dump.verified.json',
    { part: 'verified', id: '20261123103000', compression: 'custom' },
  ],
  ['backup/postgres-backup-20240229000000.sql', { part: 'dump', id: '20240229000000', compression: null }],
])('%s is ours', (key, name) => {
  expect(parseObjectName('backup/', key)).toEqual(name);
});

test.each([
  'backup/postgres-backup-20261123103000.sql.bak',
  'backup/postgres-backup-20261123103000.SQL',
  'backup/xpostgres-backup-20261123103000.sql',
  'backup/postgres-backup-2026112310300.sql',
  'backup/postgres-backup-20261123103000.sql/x',
  'backup/postgres-backup-20261123103000.sql.verified.json',
  'backup/postgres-backup-20261123103000.sql.gz.manifest.json',
  'backup/sub/postgres-backup-20261123103000.sql',
  'postgres-backup-20261123103000.sql',
  'media/postgres-backup-20261123103000.sql',
  'backup/postgres-backup-20261323103000.sql',
  'backup/postgres-backup-20250229000000.sql',
  'backup/postgres-backup-20261123250000.sql',
])('%s is not', (key) => {
  expect(parseObjectName('backup/', key)).toBeUndefined();
});

test('an id and its time tell the same', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      (time) => {
        const id = backupId(time);
        expect(idTime(id)?.getTime()).toBe(Math.floor(time.getTime() / 1000) * 1000);
        for (const key of [dumpKey('p/', id), manifestKey('p/', id)])
          expect(parseObjectName('p/', key)?.id).toBe(id);
      },
    ),
  );
});

test.each([
  ['archive/m.json', 'backup/d.sql', 'archive/d.sql'],
  ['a/b/m.json', 'd.sql', 'a/b/d.sql'],
  ['m.json', 'backup/old/d.sql', 'd.sql'],
  ['backup/m.json', 'backup/d.sql', 'backup/d.sql'],
])('beside %s the object of %s is %s', (key, other, beside) => {
  expect(keyBeside(key, other)).toBe(beside);
});
