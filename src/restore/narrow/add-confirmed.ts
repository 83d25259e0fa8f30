import { RestoreError } from '../../errors.ts';
import { type ConfirmAndLock, withLock } from '../../postgres/advisory-lock.ts';
import { administer } from '../../postgres/database.ts';
import type { ChosenDump } from '../chosen-dump.ts';
import { findDatabases } from '../databases/find-target.ts';
import type { LoadContext } from '../load-context.ts';
import { type AddedRows, type AddRowsOptions, addRows, foreseeRows } from './add-rows.ts';

interface ConfirmedRowsOptions extends AddRowsOptions {
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
}

/** What would be added, or was. */
export type AddRowsOutcome =
  | {
      readonly state: 'planned';
      /** What would be done. */
      readonly intent: string;
    }
  | {
      readonly state: 'done';
      readonly report: AddedRows;
      /** How long it took, in milliseconds. */
      readonly ms: number;
    };

/**
 * Makes sure that the database exists, asks for confirmation, and adds the rows to it.
 *
 * @throws DeclinedError when the answer is no, ConfigError if nobody can be asked, LockedError while another run is
 * in progress, RestoreError for a database that does not exist, or what {@link addRows} throws
 */
export async function addRowsConfirmed(
  context: LoadContext & ConfirmAndLock,
  { source, checkThere }: ChosenDump,
  options: ConfirmedRowsOptions,
  signal: AbortSignal,
): Promise<AddRowsOutcome> {
  const { database, confirm, lockFor } = context;
  const { into, only, dryRun } = options;
  const doing = `restore rows of ${only.join(', ')} from ${source.name} into database ${into} on ${database.server}`;
  const found = await administer(database, signal, (admin) => findDatabases(admin, into));
  if (found.present === undefined) {
    throw new RestoreError({
      doing: `cannot ${doing}`,
      problem: 'there is no such database',
      remedy: 'give an existing one, or omit --data-only to create it',
    });
  }
  const intent = `${doing}, which already exists`;
  if (dryRun) {
    await foreseeRows(context, source, options, signal);
    return { state: 'planned', intent };
  }
  await confirm(intent);
  const began = performance.now();
  const report = await withLock(database, lockFor(doing), signal, async (held) => {
    await checkThere(held);
    return addRows(context, source, options, held);
  });
  return { state: 'done', report, ms: performance.now() - began };
}
