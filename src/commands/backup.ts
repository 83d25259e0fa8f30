import { performBackup, type RunReport } from '../backup/perform-backup.ts';
import { removals } from '../backup/prune-backups.ts';
import { totalOf } from '../dump/dump-index.ts';
import { EXIT, messageOf } from '../errors.ts';
import { systemClock } from '../schedule/clock.ts';
import { stopInTime } from '../schedule/stop-in-time.ts';
import { formatContents, formatDuration } from '../ui/format.ts';
import { RUN_GROUPS } from './groups.ts';
import { runContext } from './run-context.ts';
import { type Invocation, openSession, type Session, withStore } from './session.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/** `backup`: takes one backup now, then applies retention. @returns the exit status */
export async function run(invocation: Invocation): Promise<number> {
  return backUpOnce(openSession(invocation, RUN_GROUPS));
}

/** The same with settings already read. @returns the exit status */
export async function backUpOnce(session: Session<(typeof RUN_GROUPS)[number]>): Promise<number> {
  const { config, log, signal } = session;
  warnOfVariables(session);
  const report = await withStore(session, (store) =>
    stopInTime(
      'backup',
      (stopped) => performBackup(runContext(session, store, 'backup'), stopped),
      { clock: systemClock, log },
      signal,
    ),
  );
  session.print(...render(report, config.bucket));
  const { pruning } = report;
  if (pruning.state === 'done') return EXIT.done;
  log.error(`backup succeeded, pruning failed: ${messageOf(pruning.error)}`);
  return EXIT.failed;
}

function render({ manifest, pruning }: RunReport, bucket: string): [document: unknown, text: string] {
  const { id, key, bytes, startedAt, finishedAt, database, server, tables, media } = manifest;
  const { rows } = totalOf(tables);
  const took = formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
  const plan = pruning.state === 'done' ? pruning.plan : undefined;
  return [
    {
      id,
      key,
      bytes,
      startedAt,
      finishedAt,
      database: database?.name ?? null,
      server,
      tables: tables.length,
      rows,
      media: media ?? null,
      pruned: plan === undefined ? null : removals(plan).map((backup) => backup.id),
      shrunk: plan?.shrink ?? null,
    },
    `backup ${id}: ${formatContents({ bytes, tables: tables.length, rows })}, in ${took}\n${key} in bucket ${bucket}`,
  ];
}
