import type { DoctorFinding } from '../doctor/check.ts';
import { examineDatabase } from '../doctor/database-checks.ts';
import { examineStore } from '../doctor/store-checks.ts';
import { EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import { renderTable } from '../ui/table.ts';
import { DOCTOR_GROUPS } from './groups.ts';
import { atOnce, type Invocation, openSession, withStore } from './session.ts';

/** `doctor`: checks everything that the tool needs. @returns the exit status */
export async function run(invocation: Invocation): Promise<number> {
  const session = openSession(invocation, DOCTOR_GROUPS);
  const { config, env, now, signal } = session;
  const database = openDatabase(config, env);
  const { binDir, mediaManifest } = config;
  const findings = [
    ...(await examineDatabase(database, { binDir, mediaManifest, env, now, signal })),
    ...(await withStore(atOnce(session), (store) => examineStore(store, config, { now, signal }))),
  ];
  session.print(
    findings.map((finding) => ({ ...finding, remedy: finding.remedy ?? null })),
    render(findings, session.width),
  );
  return findings.some(({ state }) => state === 'fault') ? EXIT.fault : EXIT.done;
}

function render(findings: readonly DoctorFinding[], width: number | undefined): string {
  const table = renderTable(
    ['check', 'state', { title: 'found', wraps: true }],
    // Not in a column of its own, which would take half the width of a terminal from all that need no remedy.
    findings.map(({ check, state, detail, remedy }) => [
      check,
      state,
      remedy === undefined ? detail : `${detail} — ${remedy}`,
    ]),
    width,
  );
  const count = (wanted: DoctorFinding['state']) => findings.filter(({ state }) => state === wanted).length;
  return `${table}\n\n${verdict(count('fault'), count('warning'), findings.length)}`;
}

function verdict(faults: number, warnings: number, checks: number): string {
  if (faults > 0) return `${faults} of ${checks} checks failed`;
  const all = 'everything that backups and restores need is in place';
  return warnings === 0
    ? all
    : `${all}; see the ${warnings === 1 ? 'warning' : `${warnings} warnings`} above`;
}
