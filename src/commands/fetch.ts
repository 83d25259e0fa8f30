import { fetchDump } from '../backup/fetch-dump.ts';
import { fetchTable } from '../backup/fetch-table.ts';
import { ConfigError, EXIT } from '../errors.ts';
import { escapeControls } from '../ui/controls.ts';
import { formatBytes, formatNumber } from '../ui/format.ts';
import { readBackupId } from './backup-id.ts';
import { chooseFor } from './choose.ts';
import { READ_GROUPS } from './groups.ts';
import { type CommonOptions, type Invocation, openSession, withStore } from './session.ts';

/** The options of `fetch`, as given. */
interface FetchFlags extends CommonOptions {
  readonly table?: string;
  readonly csv?: true;
}

/** `fetch ID [DIR]`: saves a backup's dump, or one table of it, as a local file. */
export async function run(invocation: Invocation, id: string, directory: string): Promise<number> {
  const { table, csv } = invocation.options as FetchFlags;
  if (table === undefined && csv === true) {
    throw new ConfigError({
      doing: `cannot fetch ${id}`,
      problem: '--csv needs --table',
      remedy: 'add --table TABLE',
    });
  }
  const wanted = readBackupId(id, 'ID');
  const session = openSession(invocation, READ_GROUPS);
  const { config, env, log, startProgress, signal } = session;
  await withStore(session, async (store) => {
    const backup = await chooseFor(session, store, wanted);
    const context = { store, binDir: config.binDir, env, log, startProgress };
    if (table !== undefined) {
      const options = { wanted: table, form: csv === true ? 'csv' : 'copy' } as const;
      const fetched = await fetchTable(context, backup, directory, options, signal);
      const size = `${formatNumber(fetched.rows, 'row')}, ${formatBytes(fetched.bytes)} of the dump`;
      session.print(
        { id: backup.id, ...fetched },
        escapeControls(`${fetched.path}: ${fetched.table}, ${size}, every byte checked`),
      );
      return;
    }
    const { path, proof } = await fetchDump(context, backup, directory, signal);
    session.print(
      { id: backup.id, path, bytes: backup.dump.bytes, proof },
      escapeControls(`${path}: ${formatBytes(backup.dump.bytes)}, checked: ${proof}`),
    );
  });
  return EXIT.done;
}
