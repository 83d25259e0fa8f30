import { basename } from 'node:path';
import { dumpFile, fileTime, idTime } from '../catalog/backup-name.ts';
import type { Wanted } from '../catalog/choose-backup.ts';
import { ConfigError } from '../errors.ts';

/**
 * Reads a backup's name as an argument or an option gives it: its id, the name or key of its dump, or `latest`.
 *
 * @param from where it was given: `ID`, `--backup`
 * @throws ConfigError for anything else
 */
export function readBackupId(text: string, from: string): Wanted {
  if (text === 'latest') return { by: 'latest' };
  if (idTime(text) !== undefined) return { by: 'id', id: text };
  const id = fileTime(basename(text));
  if (id !== undefined) return { by: 'id', id, file: dumpFile(basename(text)) };
  throw new ConfigError({
    doing: 'cannot choose a backup',
    problem: `${from}: ${JSON.stringify(text)} is not accepted`,
    remedy: 'give an id as shown by `topobank-backup list`, or latest',
  });
}
