import { contradictions } from '../config/contradictions.ts';
import { foreignVariables } from '../config/foreign-variables.ts';
import { unknownVariables } from '../config/unknown-variables.ts';
import type { Logger } from '../ui/log.ts';
import type { Invocation } from './session.ts';

/** Warns of variables that have no effect: those that others contradict, unknown ones, and those of go-s3-backup. */
export function warnOfVariables(
  log: Logger,
  sources: Pick<Invocation, 'flags' | 'env' | 'secretFiles'>,
): void {
  const warnings = [
    ...contradictions(sources),
    ...unknownVariables(sources.env),
    ...foreignVariables(sources),
  ];
  for (const warning of warnings) log.warn(warning);
}
