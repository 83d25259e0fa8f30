import { awaitedLocks, describeBlocker } from '../../postgres/awaited-locks.ts';
import { administer, type Database } from '../../postgres/database.ts';
import { readSessionPid } from '../../postgres/session.ts';

/** How long finding out who is in the way may take, in milliseconds. */
const LOOK_MS = 10_000;

/**
 * Who keeps a session waiting, and how to end that. Of several, one may wait for another itself, such as what is left of
 * a restore that was killed; all have to end.
 *
 * @param pid the process of the session, if it is known
 * @returns undefined if nobody is known
 */
async function describeBlockers(
  database: Database,
  pid: number | undefined,
): Promise<{ readonly problem: string; readonly remedy: string } | undefined> {
  if (pid === undefined) return undefined;
  const locks = await administer(database, AbortSignal.timeout(LOOK_MS), (admin) =>
    awaitedLocks(admin, { pid }),
  ).catch(() => []);
  const blockers = locks.map(describeBlocker);
  if (blockers.length === 0) return undefined;
  const [are, them] = blockers.length === 1 ? ['is', 'it'] : ['are', 'them'];
  return {
    problem: `${blockers.map(({ who }) => who).join(' and ')} ${are} in the way`,
    remedy: `end ${them} (${blockers.map(({ toEnd }) => toEnd).join(' ')})`,
  };
}

/** The same in one clause, for people who wait with it. */
export async function explainWait(database: Database, pid: number | undefined): Promise<string | undefined> {
  const blockers = await describeBlockers(database, pid);
  return blockers && `${blockers.problem}; ${blockers.remedy}`;
}

/** A database whose last session on the maintenance database is known, and who keeps that waiting. */
export function explainable(database: Database): {
  readonly database: Database;
  findBlockers(): ReturnType<typeof describeBlockers>;
  explain(): Promise<string | undefined>;
} {
  let pid: number | undefined;
  const use: Database['use'] = (name, signal, work) =>
    database.use(name, signal, async (client) => {
      if (name === database.maintenanceName) pid = await readSessionPid(client);
      return work(client);
    });
  return {
    database: { ...database, use },
    findBlockers: () => describeBlockers(database, pid),
    explain: () => explainWait(database, pid),
  };
}
