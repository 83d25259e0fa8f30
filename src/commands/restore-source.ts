import type { UsableBackup } from '../catalog/backup.ts';
import { lookUpDump } from '../catalog/catalog.ts';
import { chooseBackup } from '../catalog/choose-backup.ts';
import { backupSource, fileSource } from '../catalog/dump-source.ts';
import { type Manifest, withoutCheckpoints } from '../catalog/manifest.ts';
import { type Check, describeFaults, faultyCheck, hasWrongCheckpoints } from '../catalog/verification.ts';
import { openLocalDump } from '../dump/local-dump.ts';
import { NotFoundError, RestoreError, StoreError } from '../errors.ts';
import type { ChosenDump } from '../restore/chosen-dump.ts';
import type { RestoreMedia } from '../restore/restore-confirmed.ts';
import type { Store } from '../s3/store.ts';
import { formatTime } from '../ui/format.ts';
import type { Logger } from '../ui/log.ts';
import { choiceOptions } from './choose.ts';
import { FILE_RESTORE_GROUPS, RESTORE_GROUPS } from './groups.ts';
import { mediaOfRestore } from './restore-media.ts';
import { type RestoreFlags, type RestoreSession, type WantedDump, wantedBackup } from './restore-options.ts';
import { type Invocation, openSession, withStore } from './session.ts';

/** What to give if a file is none that can be restored. */
const NAME_ANOTHER = 'give a file written by pg_dump, or an id as shown by `topobank-backup list`';

/** The dump to restore, and its media. */
export interface Chosen extends ChosenDump {
  readonly media: RestoreMedia;
}

/**
 * Runs `work` with the dump that is wanted, and a session with the settings that it needs. A backup that was found
 * faulty is passed over, or warned of.
 *
 * @throws RestoreError for one that a drill could not restore, if it is to be restored in place
 */
export async function withSource(
  invocation: Invocation,
  wanted: WantedDump,
  work: (session: RestoreSession, chosen: Chosen) => Promise<number>,
): Promise<number> {
  const { env, signal } = invocation;
  if (wanted.by === 'file') {
    const session = openSession(invocation, FILE_RESTORE_GROUPS);
    const local = await openLocalDump(wanted.file, signal, NAME_ANOTHER);
    const source = fileSource(wanted.file, local, { binDir: session.config.binDir, env });
    const media = mediaOfRestore(session, undefined);
    return work(session, { source, media, checkThere: async () => {} });
  }
  const session = openSession(invocation, RESTORE_GROUPS);
  const { config, log } = session;
  const { prefix } = config;
  const inPlace = (invocation.options as RestoreFlags).inPlace === true;
  return withStore(session, async (store) => {
    const named = wantedBackup(wanted, prefix);
    const backup = await chooseBackup({ store, prefix }, named, {
      ...choiceOptions(session, named),
      database: config.database,
      passOver: ({ id }, check) =>
        log.warn(
          `skipping backup ${id}: verification found it faulty: ${describeFaults(check)} — to restore it anyway, give its id`,
        ),
      doubt: ({ id }, check) => {
        if (inPlace && wasRefused(check)) throw noWayBack(id, check);
        log.warn(describeDoubt(id, check));
      },
    });
    const source = backupSource(store, readable(backup, log), { binDir: config.binDir, env });
    return work(session, {
      source,
      checkThere: (held) => checkThere(store, backup, held),
      media: mediaOfRestore(session, { store, backup }),
    });
  });
}

/**
 * A newer backup that has been completed meanwhile is not restored instead: it may be of the very damage that is to be
 * undone. Whether the bytes are still the same shows when they are read, if there is a manifest.
 *
 * @throws NotFoundError if the backup is gone or replaced, StoreError if the server has lost its dump
 */
async function checkThere(store: Store, backup: UsableBackup, signal: AbortSignal): Promise<void> {
  const { id, dump, manifest, verified } = backup;
  const doing = `cannot restore backup ${id}`;
  const present = await lookUpDump(store, backup, signal);
  if (present === 'lost') {
    const skipped =
      faultyCheck(verified) === undefined
        ? `; after \`topobank-backup verify ${id}\`, --latest skips this one`
        : '';
    throw new StoreError({
      doing,
      problem: `the server lists ${dump.key}, but has no such object`,
      remedy: `see the S3 server’s log, and restore another backup${skipped}`,
    });
  }
  const isDeleted = present === 'deleted';
  if (!isDeleted && present.bytes === dump.bytes && (manifest !== undefined || present.etag === dump.etag))
    return;
  throw new NotFoundError({
    doing,
    problem: `it has been ${isDeleted ? 'deleted' : 'replaced'} since it was chosen`,
    remedy: 'see which backups are left with `topobank-backup list`, and run again',
  });
}

/**
 * The backup, without the checkpoints inside its tables if a verification found them wrong: its bytes may still be
 * right.
 */
function readable(backup: UsableBackup<Manifest>, log: Logger): UsableBackup<Manifest> {
  if (backup.state === 'foreign' || !hasWrongCheckpoints(backup.verified)) return backup;
  log.info(`the rows of each table of backup ${backup.id} are read in one piece`);
  return { ...backup, manifest: withoutCheckpoints(backup.manifest) };
}

/** Whether a drill could not restore the backup, rather than restored something else. */
function wasRefused({ faults }: Check): boolean {
  return faults.some(({ what }) => what === 'restore');
}

/** In place, the database would be dropped for a backup known not to restore. */
function noWayBack(id: string, check: Check): RestoreError {
  return new RestoreError({
    doing: `cannot restore backup ${id} in place`,
    problem: describeDoubt(id, check),
    remedy: `name another backup, or leave out --in-place, which keeps the database until the backup is restored; if what was wrong has been mended, \`topobank-backup verify ${id} --restore\` says so`,
  });
}

function describeDoubt(id: string, check: Check): string {
  const [when, faults] = [formatTime(new Date(check.at)), describeFaults(check)];
  switch (check.depth) {
    case 'quick':
      return `verification at ${when} found that backup ${id} is not the object that was written: ${faults} — run \`topobank-backup verify ${id}\` to check whether its bytes are the same`;
    case 'full':
      return `verification at ${when} found backup ${id} faulty: ${faults}`;
    case 'restore':
      return wasRefused(check)
        ? `verification at ${when} could not restore backup ${id}: ${faults}`
        : `verification at ${when} found that backup ${id} does not restore to what was dumped: ${faults}`;
  }
}
