import { contradictions } from '../config/contradictions.ts';
import { foreignVariables } from '../config/foreign-variables.ts';
import { unknownVariables } from '../config/unknown-variables.ts';
import type { Session } from './session.ts';

/** Warns of variables that have no effect: those that others contradict, unknown ones, and those of go-s3-backup. */
export function warnOfVariables(session: Session<never>): void {
  const warnings = [
    ...contradictions(session),
    ...unknownVariables(session.env),
    ...foreignVariables(session),
  ];
  for (const warning of warnings) session.log.warn(warning);
}
