import type { UsableBackup } from '../catalog/backup.ts';
import { type ChoiceOptions, chooseBackup, type Wanted } from '../catalog/choose-backup.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { readIfGiven } from '../config/config.ts';
import type { Store } from '../s3/store.ts';
import type { Session } from './session.ts';

/**
 * The backup that a command was asked for.
 *
 * @throws NotFoundError if there is none, DumpError if the one asked for by id is broken
 */
export function chooseFor(
  session: Session<'store'>,
  store: Store,
  wanted: Wanted,
): Promise<UsableBackup<Manifest>> {
  return chooseBackup({ store, prefix: session.config.prefix }, wanted, choiceOptions(session, wanted));
}

/**
 * How every command chooses a backup: by its id, or among those of POSTGRES_DB if that is given, so that they all mean
 * the same one by `latest`. It warns if it takes an older one because a newer one is broken, and if the chosen one's
 * verification record cannot be read.
 */
export function choiceOptions(session: Session<never>, { by }: Pick<Wanted, 'by'>): ChoiceOptions {
  const { now, log, signal } = session;
  return {
    now: now(),
    database: by === 'id' ? undefined : readIfGiven(session, 'database'),
    overBroken: ({ id, fault }) => log.warn(`using a backup older than ${id}, which is broken: ${fault}`),
    unread: ({ id }, reason) => log.warn(`whether backup ${id} was found faulty is unknown: ${reason}`),
    signal,
  };
}
