import type { Backup, Dump } from '../../src/catalog/backup.ts';
import { dumpKey, manifestKey } from '../../src/catalog/backup-name.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { addCheck } from '../../src/catalog/verification.ts';
import { PLAIN_CREATION } from '../../src/postgres/facts.ts';

const PREFIX = 'backup/';

/** An id as a readable time: `2026-11-23 10:30`, in UTC. */
export function idOf(time: string): string {
  return time.replace(/\D/g, '').padEnd(14, '0');
}

function object(key: string, bytes: number) {
  return { key, bytes, lastModified: new Date(0), etag: '' };
}

function dumpOf(id: string, bytes: number, suffix = ''): Dump {
  const compression = suffix === '.gz' ? 'gzip' : null;
  return { ...object(`${dumpKey(PREFIX, id)}${suffix}`, bytes), compression };
}

export function complete(time: string, bytes = 1000, database: string | null = 'topobank'): Backup<Manifest> {
  const id = idOf(time);
  const manifest: Manifest = {
    format: 1,
    id,
    key: dumpKey(PREFIX, id),
    bytes,
    storedBytes: bytes,
    compression: null,
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:00:00.000Z',
    tool: 'test',
    database:
      database === null
        ? null
        : {
            name: database,
            ...PLAIN_CREATION,
            connectionLimit: -1,
            template: false,
            comment: null,
            owner: 'o',
            settings: [],
            acl: null,
            bytes,
          },
    server: null,
    pgDump: null,
    snapshot: null,
    migrations: {},
    roles: [],
    ownerRoles: [],
    encoding: null,
    sections: [],
    tables: [],
  };
  return {
    state: 'complete',
    id,
    dump: dumpOf(id, bytes),
    manifest,
    companions: [object(manifestKey(PREFIX, id), 100)],
  };
}

/** A complete one, or another, of which a verification has found that its bytes, or its ETag, are others. */
export function faulty(
  time: string,
  bytes = 1000,
  backup: Backup = complete(time, bytes),
  depth: 'quick' | 'full' = 'full',
): Backup {
  const verified = addCheck(undefined, backup.id, backup.dump!, {
    depth,
    at: '2026-01-01T00:00:00.000Z',
    tool: 'test',
    checked: { bytes: 1, tables: 1, rows: 1 },
    faults: [{ what: 'table', where: 'public.surface', expected: '10 rows', found: '9 rows' }],
  });
  return { ...backup, verified };
}

export function foreign(time: string, bytes = 1000, suffix: '' | '.gz' = ''): Backup {
  const id = idOf(time);
  return { state: 'foreign', id, dump: dumpOf(id, bytes, suffix), companions: [] };
}

/** A manifest without its dump, or with one of another size. */
export function broken(
  time: string,
  dump: 'without dump' | 'with dump' = 'without dump',
  unproven = false,
): Backup {
  const id = idOf(time);
  return {
    state: 'broken',
    id,
    dump: dump === 'with dump' ? dumpOf(id, 10) : undefined,
    manifest: undefined,
    companions: [object(manifestKey(PREFIX, id), 100)],
    unproven,
    fault: 'it is broken',
  };
}
