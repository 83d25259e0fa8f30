import type { ChoiceOptions } from '../catalog/choose-backup.ts';
import type { Session } from './session.ts';

/** How every command chooses a backup: where the newest one is broken, that it takes an older one is said. */
export function choiceOptions({
  now,
  log,
  signal,
}: Pick<Session<never>, 'now' | 'log' | 'signal'>): ChoiceOptions {
  return {
    now: now(),
    overBroken: ({ id, fault }) => log.warn(`using a backup older than ${id}, which is broken: ${fault}`),
    signal,
  };
}
