import { basename } from 'node:path';
import { fileTime } from '../catalog/backup-name.ts';
import { isFree } from '../catalog/catalog.ts';
import { showTableName } from '../catalog/find-table.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { openLocalDump } from '../dump/local-dump.ts';
import { readPlainDump } from '../dump/plain-dump.ts';
import { refuseUnrunnable } from '../dump/refusals.ts';
import type { DumpToken } from '../dump/tokens.ts';
import { RestoreError, StoreError } from '../errors.ts';
import type { ClientTools } from '../postgres/client-binaries.ts';
import type { Logger } from '../ui/log.ts';
import type { StartProgress } from '../ui/progress.ts';
import { beginDump, type ClaimedId, claimFreeId } from './claim-id.ts';
import { makeBucket } from './make-bucket.ts';
import { type DumpDestination, storeDump } from './store-dump.ts';

/** As pg_dump writes it; foreign tables have no rows in a dump. */
const CREATES_TABLE = /^CREATE (?:UNLOGGED )?TABLE /;

interface PushContext extends DumpDestination, ClientTools {
  readonly tool: string;
  readonly now: () => Date;
  readonly log: Logger;
  readonly startProgress: StartProgress;
}

/**
 * Stores a local dump (`.sql`, `.sql.gz` or `.dump`) as a backup with a manifest. It is stored as plain SQL.
 *
 * @throws NotFoundError for a missing file, DumpError if it is not a whole dump, RestoreError if it could not be
 * restored, StoreError
 */
export async function pushDump(context: PushContext, file: string, signal: AbortSignal): Promise<Manifest> {
  const { now } = context;
  const local = await openLocalDump(file, signal);
  await makeBucket(context, signal);
  const startedAt = now();
  const { id, upload } = await claimId(context, file, startedAt, signal);
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
        snapshot: null,
        migrations: {},
      },
      { upload, name: file, now, progress, log: context.log, signal, inspect: refuseUnrestorable(file) },
    );
  } finally {
    progress.stop();
  }
}

/**
 * Only a dump that can be restored may become the newest backup: on the day it is needed, it is too late to find out.
 */
function refuseUnrestorable(file: string): (token: DumpToken) => void {
  const doing = `cannot push ${file}`;
  let creates = false;
  return (token) => {
    refuseUnrunnable(token, doing);
    if (token.type === 'statement') creates ||= CREATES_TABLE.test(token.sql.toString('latin1', 0, 64));
    if (token.type === 'copy-start' && !creates) {
      throw new RestoreError({
        doing,
        problem: `it contains rows of ${showTableName(token)} but creates no table`,
        remedy: 'take a dump without --data-only',
      });
    }
  };
}

/** A dump that was fetched keeps the time in its name, so that it is listed where it belongs. */
async function claimId(
  context: PushContext,
  file: string,
  now: Date,
  signal: AbortSignal,
): Promise<ClaimedId> {
  const named = fileTime(basename(file));
  if (named === undefined) return claimFreeId(context, now, signal);
  if (await isFree(context, named, signal)) return beginDump(context, named, signal);
  throw new StoreError({
    doing: `cannot push ${file} to bucket ${context.store.bucket}`,
    problem: `backup ${named} already exists`,
    remedy: 'rename the file to store it under the current time',
  });
}
