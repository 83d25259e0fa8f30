import { scanInThread, startScanThread } from '../dump/scan-in-thread.ts';
import type { Database } from '../postgres/database.ts';
import type { Store } from '../s3/store.ts';
import type { VerifyContext } from '../verify/verify-backup.ts';
import type { READ_GROUPS } from './groups.ts';
import type { Session } from './session.ts';

/** @param drillDatabase the server for the restore drill; undefined if none is requested */
export function verifyContext(
  { config, env, tool, now, log, startProgress, signal: stop }: Session<(typeof READ_GROUPS)[number]>,
  store: Store,
  drillDatabase: Database | undefined,
): VerifyContext {
  const { prefix, binDir } = config;
  const scanDump = scanInThread(startScanThread);
  return { store, prefix, binDir, env, tool, scanDump, drillDatabase, now, log, startProgress, stop };
}
