import type { Setting, SettingGroup } from './setting.ts';
import { SETTINGS } from './settings.ts';

/**
 * The flags, as `--grace`, that are given and stand for no setting of these groups: whoever reads no others has to refuse
 * them, for they would be given in vain.
 *
 * @param flags by their long names; undefined ones are not given
 */
export function unreadFlags(
  flags: Readonly<Record<string, string | undefined>>,
  groups: readonly SettingGroup[],
): string[] {
  const settings = Object.values<Setting>(SETTINGS);
  return Object.keys(flags)
    .filter((name) => flags[name] !== undefined)
    .filter((name) => !settings.some(({ flag, group }) => flag === name && groups.includes(group)))
    .map((name) => `--${name}`);
}
