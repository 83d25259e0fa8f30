import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { createS3Client } from '../../src/s3/client.ts';
import { type AuditBed, createAuditBed } from '../audit/audit-bed.ts';
import type { Environment } from '../support/database.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { storeSettings } from '../support/test-store.ts';
import type { ProgramResult, RunOptions } from '../support/topobank-backup.ts';

const never = new AbortController().signal;

export const NAMED = {
  AUDIT_REFERENCES: '[{"column": "files.key"}, {"table": "albums", "owns": "albums/{id}/"}]',
};

export const ORPHANS = ['media/a b+ü', 'media/orphan', 'media/x/1'] as const;

export interface QuarantineBed extends AuditBed {
  /** Runs a command with the references of this bed. */
  command(args: readonly string[], options?: RunOptions, env?: Environment): Promise<ProgramResult>;
  /** Runs a command, and kills it when it asks the server for this, before that is done. */
  killWhenAsked(args: readonly string[], request: Pick<Fault, 'operation' | 'key' | 'after'>): Promise<void>;
  /** Keys of media, and of the quarantine without its runs' times. */
  places(): Promise<{ media: string[]; quarantine: string[] }>;
  /** The runs, as `quarantine list --json` tells them. */
  runs(): Promise<{ run: string; objects: number; bytes: number; state: string }[]>;
  /** Content type and metadata of an object. */
  describe(key: string): Promise<{ ContentType?: string | undefined; Metadata?: object | undefined }>;
}

/**
 * A database that names `media/kept` and owns `media/albums/7/`, both there, and {@link ORPHANS} beside them.
 *
 * @param options for CREATE DATABASE
 */
export async function createQuarantineBed(postgres: Environment, options?: string): Promise<QuarantineBed> {
  const bed = await createAuditBed(
    postgres,
    `CREATE TABLE files (id int PRIMARY KEY, key text); CREATE TABLE albums (id int PRIMARY KEY);
     INSERT INTO files VALUES (1, 'kept'); INSERT INTO albums VALUES (7)`,
    options,
  );
  for (const key of ['media/kept', 'media/albums/7/x', ...ORPHANS]) await bed.put(key);
  const client = createS3Client(storeSettings(bed.server, bed.store.bucket));
  const command: QuarantineBed['command'] = (args, options = {}, env = {}) =>
    bed.run(args, { ...NAMED, ...env }, options);
  return {
    ...bed,
    command,
    async killWhenAsked(args, request) {
      let kill = () => {};
      bed.server.faults.push({
        ...request,
        times: 1,
        what: { kind: 'hold', until: new Promise(() => {}), onHeld: () => kill() },
      });
      const killed = await command(args, {
        onSpawn: (child) => {
          kill = () => child.kill('SIGKILL');
        },
      });
      expect(killed.signal).toBe('SIGKILL');
    },
    async places() {
      const keys = await bed.keys();
      return {
        media: keys.filter((key) => key.startsWith('media/')),
        quarantine: keys
          .filter((key) => /^quarantine\/\d{14}\//.test(key))
          .map((key) => key.slice('quarantine/20200101000000/'.length)),
      };
    },
    async runs() {
      const { stdout } = await command(['quarantine', 'list', '--json']);
      return JSON.parse(stdout) as { run: string; objects: number; bytes: number; state: string }[];
    },
    describe: (key) =>
      client.send(new HeadObjectCommand({ Bucket: bed.store.bucket, Key: key }), { abortSignal: never }),
    async close() {
      client.destroy();
      await bed.close();
    },
  };
}
