import { hostname } from 'node:os';
import type { ConfirmAndLock } from '../postgres/advisory-lock.ts';
import type { Session } from './session.ts';

/** How a command asks for confirmation and locks other runs out, waiting for them as long as the settings say. */
export function confirmAndLock(
  { config, confirm, log }: Pick<Session<'lock'>, 'config' | 'confirm' | 'log'>,
  command: string,
): ConfirmAndLock {
  const holder = holderName(command);
  return { confirm, lockFor: (purpose) => ({ purpose, holder, waitMs: config.lockWait, log }) };
}

/** The longest `application_name` of PostgreSQL, in bytes; it cuts off what is longer. */
const HOLDER_BYTES = 63;

/** How this run appears to another: with as much of the host's name as there is room for. */
export function holderName(command: string, host = hostname(), pid = process.pid): string {
  const name = (host: string) => `topobank-backup ${command} on ${host}, process ${pid}`;
  return name(host.slice(0, Math.max(0, HOLDER_BYTES - name('').length)));
}
