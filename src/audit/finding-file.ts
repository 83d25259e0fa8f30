import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { ConfigError } from '../errors.ts';
import type { Finding, FindingSink } from './finding.ts';

export type FindingFormat = 'ndjson' | 'csv';

/** A file of findings that is there, whole, once it is finished, and not before. */
export interface FindingFile extends FindingSink {
  /** Gives the file its name. */
  finish(): Promise<void>;
  /** Removes it, unless it is finished. */
  discard(): Promise<void>;
}

const CSV_COLUMNS = [
  'kind',
  'key',
  'bytes',
  'lastModified',
  'table',
  'column',
  'primaryKey',
  'topography',
  'surface',
  'owner',
  'rows',
  'backups',
] as const;

/** @throws ConfigError when the file cannot be made */
export async function createFindingFile(path: string, format: FindingFormat): Promise<FindingFile> {
  const unfinished = `${path}.${process.pid}.part`;
  const attempt = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw new ConfigError({
        doing: `cannot write ${path}`,
        problem: (error as NodeJS.ErrnoException).code ?? String(error),
        remedy: 'name a file in a directory that can be written to and has room',
        cause: error,
      });
    }
  };
  const file = await attempt(open(unfinished, 'w'));
  const encode = format === 'csv' ? encodeCsv : encodeNdjson;
  let finished = false;

  async function append(text: string): Promise<void> {
    await attempt(writeAll(file, text));
  }

  if (format === 'csv') await append(stringify([CSV_COLUMNS]));
  return {
    write: (findings) => append(encode(findings)),
    async finish() {
      await attempt(file.close());
      await attempt(rename(unfinished, path));
      finished = true;
    },
    async discard() {
      if (finished) return;
      await file.close().catch(() => {});
      await rm(unfinished, { force: true });
    },
  };
}

async function writeAll(file: FileHandle, text: string): Promise<void> {
  await file.writeFile(text);
}

function encodeNdjson(findings: readonly Finding[]): string {
  return findings.map((finding) => `${JSON.stringify(finding)}\n`).join('');
}

/** RFC 4180. Several backups are put apart by blanks; the rows of a shared key are only counted. */
function encodeCsv(findings: readonly Finding[]): string {
  return stringify(
    findings.map((finding) =>
      CSV_COLUMNS.map((column) => {
        const value = (finding as Partial<Record<string, unknown>>)[column];
        return Array.isArray(value) ? value.join(' ') : (value ?? '');
      }),
    ),
  );
}
