import type { MediaChecked } from '../media/check-media.ts';
import type { FirstMediaFindings, MediaFinding, MediaTotals } from '../media/media-finding.ts';
import type { MediaRestoreContext, MediaRestored } from '../media/restore-media.ts';
import type { Store } from '../s3/store.ts';
import { escapeControls, joinLines } from '../ui/controls.ts';
import { formatCount, formatObjects } from '../ui/format.ts';
import { otherPrefixes } from './media-settings.ts';
import type { Session } from './session.ts';

/** What checking and restoring the media of a backup needs. */
export function mediaContext(session: Session<'store' | 'media'>, store: Store): MediaRestoreContext {
  const { config, log, startProgress } = session;
  const { quarantinePrefix } = config;
  return { otherPrefixes: otherPrefixes(config), store, quarantinePrefix, log, startProgress };
}

const UNLISTED = 'the backup’s list of media lacks those of rows that could not be read when it was taken';

/** Whether every object of the backup is what it was, as far as can be determined. */
export function isWhole({ totals }: MediaRestored): boolean {
  return totals.lost + totals.changed === 0;
}

/**
 * The first findings of a kind, one per line, and how many more there are.
 *
 * @param all the command that lists all of them
 */
function renderFirst(
  what: string,
  kind: MediaFinding['kind'],
  { findings, totals }: FirstMediaFindings & { readonly totals: Partial<MediaTotals> },
  all: string,
): string[] {
  const shown = findings.filter((finding) => finding.kind === kind);
  const lines = shown.map((finding) => {
    const reason = 'reason' in finding ? `: ${finding.reason}` : '';
    return escapeControls(`${what}: ${finding.key}${reason}`);
  });
  const more = (totals[kind] ?? 0) - shown.length;
  if (more > 0) lines.push(`and ${formatCount(more)} more ${what}: ${all} lists them all`);
  return lines;
}

/** The result of restoring a backup's media, for people. */
export function renderMediaRestored(media: MediaRestored & FirstMediaFindings): string {
  const { backup, dryRun, restored, totals } = media;
  const all = `\`topobank-backup media restore ${backup} --dry-run --json\``;
  const lines = [
    `${dryRun ? 'would restore' : 'restored'} ${formatObjects(restored)} of backup ${backup}`,
    ...renderFirst('not restored', 'lost', media, all),
    ...renderFirst('changed since, left as is', 'changed', media, all),
    ...renderUntold(totals.untold),
  ];
  const before = totals['never there'];
  if (before > 0) lines.push(`already missing when the backup was taken: ${formatCount(before)}`);
  if (!media.listComplete) lines.push(UNLISTED);
  return lines.join('\n');
}

/** The result of checking a backup's media, for people. */
export function renderMediaChecked(media: MediaChecked & FirstMediaFindings): string {
  const { backup, totals } = media;
  const { missing, changed, untold, 'never there': absent } = totals;
  const besides = media.listComplete ? [] : [UNLISTED];
  if (missing + changed + untold + absent === 0)
    return joinLines([`all media of backup ${backup} are present and unchanged`, ...besides]);
  const all = `\`topobank-backup media check ${backup} --json\``;
  const before = absent === 0 ? '' : `; already missing when the backup was taken: ${formatCount(absent)}`;
  const lines = [
    ...renderFirst('missing', 'missing', media, all),
    ...renderFirst('changed', 'changed', media, all),
    ...renderFirst('never there', 'never there', media, all),
    `media of backup ${backup}: ${formatCount(missing)} missing, ${formatCount(changed)} changed since${before}`,
    ...renderUntold(untold),
    ...besides,
  ];
  // Looking each of them up in every run of the quarantine would make checking as slow as restoring.
  if (missing + absent > 0)
    lines.push(`to see what can be restored of them: \`topobank-backup media restore ${backup} --dry-run\``);
  return lines.join('\n');
}

/** For objects that may have been copied away and back, which is not a fault. */
function renderUntold(count: number): string[] {
  return count === 0 ? [] : [`present with the same size, but possibly changed: ${formatCount(count)}`];
}
