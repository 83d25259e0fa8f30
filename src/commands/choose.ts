import type { ChoiceOptions, Wanted } from '../catalog/choose-backup.ts';
import { readIfGiven } from '../config/config.ts';
import type { Invocation, Session } from './session.ts';

/**
 * How every command chooses a backup: by its id, or among those of POSTGRES_DB if that is given, so that they all mean
 * the same one by `latest`. It warns if it takes an older one because a newer one is broken, and if the chosen one's
 * verification record cannot be read.
 */
export function choiceOptions(
  invocation: Invocation,
  { now, log, signal }: Pick<Session<never>, 'now' | 'log' | 'signal'>,
  { by }: Pick<Wanted, 'by'>,
): ChoiceOptions {
  return {
    now: now(),
    database: by === 'id' ? undefined : readIfGiven(invocation, 'database'),
    overBroken: ({ id, fault }) => log.warn(`using a backup older than ${id}, which is broken: ${fault}`),
    unread: ({ id }, reason) => log.warn(`whether backup ${id} was found faulty is unknown: ${reason}`),
    signal,
  };
}
