import { EXIT, RestoreError } from '../errors.ts';
import { withLock } from '../postgres/advisory-lock.ts';
import { openDatabase } from '../postgres/database.ts';
import { type AddRowsOptions, addRows } from '../restore/narrow/add-rows.ts';
import { findDatabases } from '../restore/restore-target.ts';
import type { RestoreSource } from '../restore/source.ts';
import { formatBytes, formatDuration, formatNumber } from '../ui/format.ts';
import type { RestoreFlags, RestoreSession } from './restore-options.ts';
import { type Invocation, lockFor } from './session.ts';
import { warnOfVariables } from './warn-of-variables.ts';

/** `restore --table T --data-only --into NAME`: the rows of single tables into a database that has them, empty. */
export async function restoreRows(
  invocation: Invocation,
  session: RestoreSession,
  source: RestoreSource,
  target: AddRowsOptions,
): Promise<number> {
  const { options, env, signal } = invocation;
  const { into, only } = target;
  warnOfVariables(session.log, invocation);
  const database = openDatabase(session.config, env);
  const doing = `restore rows of ${only.join(', ')} of ${source.name} into database ${into} on ${database.server}`;
  const found = await database.use(database.maintenanceName, signal, (admin) => findDatabases(admin, into));
  if (!found.exists) {
    throw new RestoreError({
      doing: `cannot ${doing}`,
      problem: 'there is no such database',
      remedy: 'name one that is there, or leave out --data-only to have it made',
    });
  }
  if ((options as RestoreFlags).dryRun === true) {
    session.print(
      { dryRun: true, source: source.name, bytes: source.bytes, would: doing },
      `would ${doing}, one that is there`,
    );
    return EXIT.done;
  }
  await session.confirm(`${doing}, one that is there`);
  const began = performance.now();
  const report = await withLock(database, lockFor(session, 'restore', doing), signal, (held) =>
    addRows({ ...session, database }, source, target, held),
  );
  const each = report.only.map(({ table, rows }) => `${table} (${formatNumber(rows, 'row')})`).join(', ');
  session.print(
    { source: source.name, ...report },
    `restored ${each} of ${source.name} into database ${into}: read ${formatBytes(report.bytesRead)} of ${formatBytes(report.bytes)}, in ${formatDuration(performance.now() - began)}`,
  );
  return EXIT.done;
}
