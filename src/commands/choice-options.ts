import type { ChoiceOptions } from '../catalog/choose-backup.ts';
import type { Session } from './session.ts';

/** How every command chooses a backup: that it takes an older one than the newest is said, and what is not known of it. */
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
