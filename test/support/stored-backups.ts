import { encodeManifest } from '../../src/catalog/manifest.ts';
import type { Store } from '../../src/s3/store.ts';
import { complete, foreign, idOf } from '../retention/backups.ts';

/** Puts backups into a bucket that are made up, so that a test decides their times and sizes. */
export interface BackupMaker {
  /** @param time such as `2026-11-23 10:30`, in UTC */
  complete(time: string, bytes?: number): Promise<void>;
  /** A dump as go-s3-backup leaves it. */
  foreign(time: string, bytes?: number, suffix?: '' | '.gz'): Promise<void>;
  /** The list of media beside a backup. */
  media(time: string): Promise<void>;
  /** Any object. */
  object(key: string): Promise<void>;
}

/** @param database the one that they are of, as far as they tell */
export function makeBackups(store: Store, database = 'topobank'): BackupMaker {
  const put = async (key: string, body: Buffer) => {
    const signal = new AbortController().signal;
    await store.put(key, body, { ifAbsent: false, contentType: 'application/octet-stream', signal });
  };
  return {
    async complete(time, bytes = 1000) {
      const { dump, manifest, companions } = complete(time, bytes, database);
      await put(dump!.key, Buffer.alloc(bytes, '-'));
      await put(companions.at(-1)!.key, encodeManifest(manifest!));
    },
    foreign: (time, bytes = 1000, suffix = '') =>
      put(foreign(time, bytes, suffix).dump!.key, Buffer.alloc(bytes, '-')),
    media: (time) => put(`backup/postgres-backup-${idOf(time)}.media.ndjson.gz`, Buffer.from('media')),
    object: (key) => put(key, Buffer.from('something else')),
  };
}
