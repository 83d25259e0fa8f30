import { run as runRestore } from './restore.ts';
import type { RestoreFlags } from './restore-options.ts';
import { run as runService } from './service.ts';
import { type Invocation, openSession } from './session.ts';

/**
 * `dbbackup`: what the compose service of this name runs. `RESTORE_DATABASE=1` restores, `DBBACKUP_SCHEDULE=none`
 * backs up once, anything else runs the service.
 *
 * @returns the exit status
 */
export async function run(invocation: Invocation): Promise<number> {
  const { config, log } = openSession(invocation, ['container']);
  const { restoreDatabase, restoreFile } = config;
  if (!restoreDatabase) {
    if (restoreFile !== undefined) log.warn('RESTORE_FILE has no effect without RESTORE_DATABASE=1');
    return runService(invocation);
  }
  // Setting the variable confirms the restore.
  const options: RestoreFlags = { ...invocation.options, yes: true, unasked: true, owner: true };
  const what = restoreFile ?? 'latest';
  return runRestore({ ...invocation, options }, what);
}
