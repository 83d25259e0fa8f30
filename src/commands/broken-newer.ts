import type { ChoiceOptions } from '../catalog/choose-backup.ts';
import type { Logger } from '../ui/log.ts';

/** Says of each broken backup that the newest one is another for it. */
export function warnOfBroken(log: Logger): NonNullable<ChoiceOptions['overBroken']> {
  return ({ id, fault }) => log.warn(`taking an older backup than ${id}, which is broken: ${fault}`);
}
