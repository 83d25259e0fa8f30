import { basename } from 'node:path';
import { fileTime } from '../catalog/backup-name.ts';
import { isFree } from '../catalog/catalog.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { openLocalDump } from '../dump/local-dump.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { StoreError } from '../errors.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { findFreeId } from './free-id.ts';
import { makeBucket } from './make-bucket.ts';
import { type DumpDestination, storeDump } from './store-dump.ts';

export interface PushContext extends DumpDestination {
  readonly binDir: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly tool: string;
  readonly now: () => Date;
  readonly log: Logger;
  readonly startProgress: StartProgress;
}

/**
 * Stores a local dump (`.sql`, `.sql.gz` or `.dump`) as a backup with a manifest. It is stored as plain SQL.
 *
 * @throws NotFoundError for a missing file, DumpError for one that is no whole dump, StoreError
 */
export async function pushDump(context: PushContext, file: string, signal: AbortSignal): Promise<Manifest> {
  const { now } = context;
  const local = await openLocalDump(file, signal);
  await makeBucket(context, signal);
  const startedAt = now();
  const id = await chooseId(context, file, startedAt, signal);
  const progress = context.startProgress('push', local.bytes);
  const dump = readPlainDump(local.read(), { name: file, binDir: context.binDir, env: context.env, signal });
  try {
    return await storeDump(
      context,
      dump,
      {
        id,
        startedAt: startedAt.toISOString(),
        tool: context.tool,
        database: null,
        server: null,
        pgDump: null,
        snapshot: null,
        migrations: {},
      },
      { name: file, now, progress, signal },
    );
  } finally {
    progress.stop();
  }
}

/** A dump that was fetched keeps the time in its name, so that it lists where it belongs. */
async function chooseId(
  { store, prefix }: PushContext,
  file: string,
  now: Date,
  signal: AbortSignal,
): Promise<string> {
  const named = fileTime(basename(file));
  if (named === undefined) return findFreeId(store, prefix, now, signal);
  if (await isFree(store, prefix, named, signal)) return named;
  throw new StoreError({
    doing: `cannot push ${file} to bucket ${store.bucket}`,
    problem: `backup ${named} exists already`,
    remedy: 'rename the file to have it stored under the present time',
  });
}
