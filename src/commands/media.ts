import type { MediaFault } from '../audit/compare-media.ts';
import { chooseBackup } from '../catalog/choose-backup.ts';
import { ConfigError, EXIT } from '../errors.ts';
import { checkMedia } from '../media/check-media.ts';
import { restoreMedia } from '../media/restore-media.ts';
import { checkQuarantinePrefix } from '../quarantine/names.ts';
import { escapeControls } from '../ui/controls.ts';
import { formatCount } from '../ui/format.ts';
import { readBackupId } from './backup-id.ts';
import { choiceOptions } from './choice-options.ts';
import { MEDIA_GROUPS } from './groups.ts';
import { isWhole, mediaContext, renderMediaRestored, renderUntold, SHOWN } from './media-report.ts';
import { type CommonOptions, type Invocation, openSession, withStore } from './session.ts';

/** `media check ID`, `media restore ID`: the media that a backup recorded. @returns the exit status */
export async function run(invocation: Invocation, what: string, id: string): Promise<number> {
  const { dryRun } = invocation.options as CommonOptions & { readonly dryRun?: true };
  if (what !== 'check' && what !== 'restore') throw usage(`${JSON.stringify(what)} is not accepted`);
  if (what === 'check' && dryRun === true) throw usage('--dry-run applies only to restore');
  const wanted = readBackupId(id, what);
  const session = openSession(invocation, MEDIA_GROUPS);
  const { config } = session;
  const { signal } = invocation;
  checkQuarantinePrefix(config);
  return withStore(session, async (store) => {
    const backup = await chooseBackup(store, config.prefix, wanted, choiceOptions(session));
    const context = mediaContext(session, store);
    if (what === 'restore') {
      const report = await restoreMedia(context, backup, { dryRun: dryRun === true }, signal);
      session.print(report, renderMediaRestored(report));
      return isWhole(report) ? EXIT.done : EXIT.fault;
    }
    const faults: FaultLine[] = [];
    const untold: string[] = [];
    for await (const batch of checkMedia(context, backup, (key) => untold.push(key), signal))
      faults.push(...batch.map(describeFault));
    session.print({ backup: backup.id, faults, untold }, renderFaults(backup.id, faults, untold.length));
    return faults.some(({ kind }) => kind !== 'never there') ? EXIT.fault : EXIT.done;
  });
}

function usage(problem: string): ConfigError {
  return new ConfigError({
    doing: 'cannot run `media`',
    problem,
    remedy: 'use `media check ID` or `media restore ID [--dry-run]`',
  });
}

/** A fault as it is printed. */
interface FaultLine {
  readonly kind: MediaFault['kind'];
  readonly key: string;
  /** Size in bytes of the recorded object, and of the present one. */
  readonly recorded?: number;
  readonly present?: number;
}

function describeFault(fault: MediaFault): FaultLine {
  if (fault.kind === 'never there') return { kind: fault.kind, key: fault.key };
  const { key, bytes } = fault.entry;
  if (fault.kind === 'missing') return { kind: fault.kind, key, recorded: bytes };
  return { kind: fault.kind, key, recorded: bytes, present: fault.object.bytes };
}

function renderFaults(id: string, faults: readonly FaultLine[], untold: number): string {
  if (faults.length === 0 && untold === 0) return `all media of backup ${id} are present and unchanged`;
  const count = (kind: FaultLine['kind']) => faults.filter((fault) => fault.kind === kind).length;
  const lines = faults.slice(0, SHOWN).map(({ kind, key }) => `${kind}: ${escapeControls(key)}`);
  if (faults.length > SHOWN)
    lines.push(`and ${formatCount(faults.length - SHOWN)} more: --json lists them all`);
  const absent = count('never there');
  const before = absent === 0 ? '' : `; already missing when the backup was taken: ${formatCount(absent)}`;
  lines.push(
    `media of backup ${id}: ${formatCount(count('missing'))} missing, ${formatCount(count('changed'))} changed since${before}`,
  );
  if (untold > 0) lines.push(renderUntold(untold));
  // Looking each of them up in every run of the quarantine would make checking as slow as restoring.
  if (count('missing') + absent > 0)
    lines.push(`to see what can be restored of them: \`topobank-backup media restore ${id} --dry-run\``);
  return lines.join('\n');
}
