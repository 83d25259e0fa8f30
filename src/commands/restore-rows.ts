import type { DumpSource } from '../catalog/dump-source.ts';
import { EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import type { ChosenDump } from '../restore/chosen-dump.ts';
import { type AddRowsOutcome, addRowsConfirmed } from '../restore/narrow/add-confirmed.ts';
import type { AddRowsOptions } from '../restore/narrow/add-rows.ts';
import { escapeControls } from '../ui/controls.ts';
import { formatBytes, formatDuration, formatNumber } from '../ui/format.ts';
import { confirmAndLock } from './lock-holder.ts';
import type { RestoreFlags, RestoreSession } from './restore-options.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/**
 * `restore --table T --data-only --into NAME`: loads the rows of single tables into a database that has these tables,
 * empty.
 */
export async function restoreRows(
  session: RestoreSession,
  dump: ChosenDump,
  target: AddRowsOptions,
): Promise<number> {
  const { config, env, options, log, startProgress, signal } = session;
  const { dryRun } = options as RestoreFlags;
  warnOfVariables(session);
  const outcome = await addRowsConfirmed(
    {
      database: openDatabase(config, env),
      log,
      startProgress,
      ...confirmAndLock(session, 'restore'),
    },
    dump,
    { ...target, dryRun: dryRun === true },
    signal,
  );
  session.print(...render(dump.source, outcome));
  return EXIT.done;
}

function render(source: DumpSource, outcome: AddRowsOutcome): [document: unknown, text: string] {
  if (outcome.state === 'planned') {
    const would = outcome.intent;
    return [
      { dryRun: true, source: source.name, bytes: source.bytes, would },
      escapeControls(`would ${would}`),
    ];
  }
  const { report, ms } = outcome;
  const each = report.only.map(({ table, rows }) => `${table} (${formatNumber(rows, 'row')})`).join(', ');
  return [
    { source: source.name, ...report },
    escapeControls(
      `restored ${each} from ${source.name} into database ${report.database}: read ${formatBytes(report.bytesRead)} of ${formatBytes(report.bytes)}, in ${formatDuration(ms)}`,
    ),
  ];
}
