import { basename } from 'node:path';
import { pushDump } from '../backup/push-dump.ts';
import { backupId, fileTime } from '../catalog/backup-name.ts';
import { listBackups } from '../catalog/catalog.ts';
import { readIfGiven } from '../config/config.ts';
import { totalOf } from '../dump/dump-index.ts';
import { EXIT, OperatorError } from '../errors.ts';
import { planRetention } from '../retention/plan-retention.ts';
import { retentionRules } from '../retention/rules.ts';
import type { Store } from '../s3/store.ts';
import { formatContents } from '../ui/format.ts';
import { PUSH_GROUPS } from './groups.ts';
import { type Invocation, openSession, type Session, withStore } from './session.ts';

/** `push FILE`: stores a local dump as a backup. */
export async function run(invocation: Invocation, file: string): Promise<number> {
  const session = openSession(invocation, PUSH_GROUPS);
  const { config, env, tool, signal, now, log, startProgress } = session;
  const { prefix, maxParts, partsInFlight, binDir } = config;
  const manifest = await withStore(session, async (store) => {
    const pushed = await pushDump(
      { store, prefix, maxParts, partsInFlight, binDir, env, tool, now, log, startProgress },
      file,
      signal,
    );
    if (fileTime(basename(file)) !== undefined) await warnIfNotKept(session, store, pushed.id);
    return pushed;
  });
  const { id, key, bytes, tables } = manifest;
  const { rows } = totalOf(tables);
  session.print(
    { id, key, bytes, tables: tables.length, rows },
    `backup ${id}: ${formatContents({ bytes, tables: tables.length, rows })}\n${key} in bucket ${config.bucket}`,
  );
  return EXIT.done;
}

/**
 * A file whose name has a time is stored as a backup of that time, which may be too old for the rules to keep once
 * another backup has been taken.
 */
async function warnIfNotKept(
  session: Session<(typeof PUSH_GROUPS)[number]>,
  store: Store,
  id: string,
): Promise<void> {
  const { config, now, log, signal } = session;
  try {
    const own = readIfGiven(session, 'database');
    const backups = await listBackups({ store, prefix: config.prefix }, signal);
    const pushed = backups.find((backup) => backup.id === id);
    if (pushed === undefined) return;
    const next = { ...pushed, id: backupId(now()) };
    const verdicts = planRetention([next, ...backups], retentionRules(config), now(), config.zone, own);
    const verdict = verdicts.find(({ backup }) => backup === pushed);
    if (verdict?.action !== 'remove') return;
    log.warn(
      `the next backup deletes ${id}, the time in the file’s name: ${verdict.reasons.join(', ')}; raise MAX_BACKUPS or a KEEP_* rule, or push it under a name without a time`,
    );
  } catch (error) {
    // The dump is stored all the same.
    if (!(error instanceof OperatorError)) throw error;
    log.warn(`whether the rules keep backup ${id} is not known: ${error.message}`);
  }
}
