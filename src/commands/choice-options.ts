import type { ChoiceOptions } from '../catalog/choose-backup.ts';
import type { Session } from './session.ts';

/**
 * How every command chooses a backup: it warns if it takes an older one because a newer one is broken, and if the
 * chosen one's verification record cannot be read.
 */
export function choiceOptions({
  now,
  log,
  signal,
}: Pick<Session<never>, 'now' | 'log' | 'signal'>): ChoiceOptions {
  return {
    now: now(),
    overBroken: ({ id, fault }) => log.warn(`using a backup older than ${id}, which is broken: ${fault}`),
    unread: ({ id }, reason) => log.warn(`whether backup ${id} was found faulty is unknown: ${reason}`),
    signal,
  };
}
