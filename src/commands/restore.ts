import { availableParallelism } from 'node:os';
import type { DumpSource } from '../catalog/dump-source.ts';
import { EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import {
  type ConfirmedRestoreOptions,
  type RestoreOutcome,
  restoreConfirmed,
} from '../restore/restore-confirmed.ts';
import { escapeControls } from '../ui/controls.ts';
import { confirmAndLock } from './lock-holder.ts';
import { isWhole, renderMediaRestored } from './media-report.ts';
import {
  type RestoreFlags,
  type RestoreSession,
  readJobs,
  readRowsTarget,
  readTarget,
  readWanted,
  refuseUnreadFlags,
} from './restore-options.ts';
import { renderReport } from './restore-report.ts';
import { restoreRows } from './restore-rows.ts';
import { type Chosen, withSource } from './restore-source.ts';
import type { Invocation } from './session.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/**
 * `restore [ID|FILE]`: restores a backup or a local dump into a new database that takes the old one's place, or
 * single tables of it into a separate database.
 *
 * @returns the exit status
 */
export async function run(invocation: Invocation, what: string | undefined): Promise<number> {
  const flags = invocation.options as RestoreFlags;
  const wanted = readWanted(what, flags);
  const rows = readRowsTarget(flags);
  const how: ConfirmedRestoreOptions = {
    target: readTarget(flags),
    noOwner: !flags.owner,
    jobs: { asked: readJobs(flags), cores: availableParallelism() },
    dryRun: flags.dryRun === true,
  };
  refuseUnreadFlags(flags, wanted, invocation.flags);
  return withSource(invocation, wanted, (session, chosen) =>
    rows === undefined ? restoreSource(session, chosen, how) : restoreRows(session, chosen, rows),
  );
}

async function restoreSource(
  session: RestoreSession,
  chosen: Chosen,
  options: ConfirmedRestoreOptions,
): Promise<number> {
  const { config, env, log, startProgress, now, signal } = session;
  const { source, media } = chosen;
  warnOfVariables(session);
  const outcome = await restoreConfirmed(
    {
      database: openDatabase(config, env),
      media,
      now,
      log,
      stop: signal,
      startProgress,
      ...confirmAndLock(session, 'restore'),
      describe: (report, ms) => renderReport(source, report, ms),
    },
    chosen,
    options,
    signal,
  );
  session.print(...render(source, outcome));
  if (outcome.state === 'planned') return EXIT.done;
  return isComplete(outcome) ? EXIT.done : EXIT.fault;
}

function isComplete({ report, media: { restored } }: Extract<RestoreOutcome, { state: 'done' }>): boolean {
  return report.refused === undefined && (restored === undefined || isWhole(restored));
}

function render(source: DumpSource, outcome: RestoreOutcome): [document: unknown, text: string] {
  const { before = null, restored = null } = outcome.media;
  const ofMedia = restored === null ? '' : `\n${renderMediaRestored(restored)}`;
  if (outcome.state === 'planned') {
    const would = outcome.intent;
    return [
      { dryRun: true, source: source.name, bytes: source.bytes, would, media: { before, restored } },
      `${escapeControls(`would ${would}`)}${ofMedia}`,
    ];
  }
  const { report, ms } = outcome;
  const { after = null } = outcome.media;
  return [
    { source: source.name, ...report, kept: report.kept ?? null, media: { before, restored, after } },
    `${renderReport(source, report, ms)}${ofMedia}`,
  ];
}
