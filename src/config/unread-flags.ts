import type { Setting, SettingGroup } from './setting.ts';
import { SETTINGS } from './settings.ts';

/**
 * The flags, such as `--grace`, that are given but belong to no setting of these groups. A command that reads only
 * these groups must refuse them, because they would have no effect.
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
