import type { MediaRestoreContext, MediaRestored } from '../media/restore-media.ts';
import type { Store } from '../s3/store.ts';
import { escapeControls } from '../ui/controls.ts';
import { formatBytes, formatCount, formatNumber } from '../ui/format.ts';
import { otherPrefixes } from './run-context.ts';
import type { Session } from './session.ts';

/** How many objects to show to people. */
export const SHOWN = 20;

/** What checking and restoring the media of a backup needs. */
export function mediaContext(session: Session<'store' | 'media'>, store: Store): MediaRestoreContext {
  const { config, log, startProgress } = session;
  const { quarantinePrefix } = config;
  return { otherPrefixes: otherPrefixes(config), store, quarantinePrefix, log, startProgress };
}

/** Whether every object of the backup is what it was, as far as can be determined. */
export function isWhole({ lost, changed }: MediaRestored): boolean {
  return lost.length === 0 && changed.length === 0;
}

/** The first items, one per line, and how many more there are. */
function renderSome<T>(what: string, all: readonly T[], describe: (one: T) => string): string[] {
  const lines = all.slice(0, SHOWN).map((one) => escapeControls(`${what}: ${describe(one)}`));
  if (all.length > SHOWN)
    lines.push(`and ${formatCount(all.length - SHOWN)} more ${what}: --json lists them all`);
  return lines;
}

/** The result of restoring a backup's media, for people. */
export function renderMediaRestored({
  backup,
  dryRun,
  restored,
  lost,
  changed,
  untold,
  neverThere,
}: MediaRestored): string {
  const lines = [
    `${dryRun ? 'would restore' : 'restored'} ${formatNumber(restored.count, 'object')} (${formatBytes(restored.bytes)}) of backup ${backup}`,
    ...renderSome('not restored', lost, ({ key, reason }) => `${key}: ${reason}`),
    ...renderSome('changed since, left as is', changed, ({ key }) => key),
  ];
  if (untold.length > 0) lines.push(renderUntold(untold.length));
  if (neverThere > 0) lines.push(`already missing when the backup was taken: ${formatCount(neverThere)}`);
  return lines.join('\n');
}

/** For objects that may have been copied away and back, which is not a fault. */
export function renderUntold(count: number): string {
  return `present with the same size, but possibly changed: ${formatCount(count)}`;
}
