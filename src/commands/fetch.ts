import { fetchDump } from '../backup/fetch-dump.ts';
import { chooseBackup } from '../catalog/catalog.ts';
import { formatBytes } from '../ui/format.ts';
import { type Invocation, openSession, withStore } from './session.ts';

/** `fetch ID [DIR]`: a backup's dump as a local file. */
export async function run(invocation: Invocation, id: string, directory: string): Promise<undefined> {
  const session = openSession(invocation, ['store']);
  const { config, startProgress } = session;
  const { signal } = invocation;
  await withStore(config, async (store) => {
    const wanted = id === 'latest' ? ({ by: 'latest' } as const) : ({ by: 'id', id } as const);
    const backup = await chooseBackup(store, config.prefix, wanted, signal);
    const { path, proof } = await fetchDump(store, backup, directory, { startProgress, signal });
    session.print(
      { id: backup.id, path, bytes: backup.dump.bytes, proof },
      `${path}: ${formatBytes(backup.dump.bytes)}, checked: ${proof}`,
    );
  });
}
