import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { fileError } from '../file-error.ts';
import type { Finding, FindingSink } from './finding.ts';

/** One JSON object per line, or CSV with a header line. */
type FindingFormat = 'ndjson' | 'csv';

/** A file of findings that appears under its name only once it is finished, and then complete. */
export interface FindingFile extends FindingSink {
  /** Gives the file its final name. */
  finish(): Promise<void>;
  /** Removes it, unless it is finished. Never throws: why it is not finished is the error to report. */
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

/** Names that users of the application give. */
const LABELS: ReadonlySet<string> = new Set(['topography', 'surface', 'owner']);

/** What a spreadsheet takes for a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * @param path a file, which is replaced, or something to write to directly, such as a pipe or /dev/stdout
 * @throws ConfigError if it cannot be written, OutputError if the disk is full or fails
 */
export async function createFindingFile(path: string, format: FindingFormat): Promise<FindingFile> {
  const attempt = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      const remedy = 'give a file in a writable directory with free space';
      throw fileError({ doing: `cannot write ${path}`, remedy }, error, { EISDIR: 'it is a directory' });
    }
  };
  const { name, unfinished } = await attempt(placeOf(path));
  const file = await attempt(open(unfinished, 'w'));
  const encode = format === 'csv' ? encodeCsv : encodeNdjson;
  const append = (text: string) =>
    attempt(
      file.writeFile(text).catch((error: NodeJS.ErrnoException) => {
        // A reader that is gone (`| head`) is not a failure.
        if (error.code !== 'EPIPE') throw error;
      }),
    );
  let finished = false;

  async function discard(): Promise<void> {
    if (finished) return;
    await file.close().catch(() => {});
    if (unfinished !== name) await rm(unfinished, { force: true }).catch(() => {});
  }

  try {
    if (format === 'csv') await append(stringify([CSV_COLUMNS]));
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    write: (findings) => append(encode(findings)),
    async finish() {
      await attempt(file.close());
      if (unfinished !== name) await attempt(rename(unfinished, name));
      finished = true;
    },
    discard,
  };
}

/** Where to write, and the final name; the two are the same only for what is not a regular file. */
async function placeOf(path: string): Promise<{ readonly name: string; readonly unfinished: string }> {
  const present = await stat(path).catch(() => undefined);
  if (present?.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
  if (present !== undefined && !present.isFile()) return { name: path, unfinished: path };
  // A symbolic link is kept, and the file that it points to is replaced.
  const name = present === undefined ? path : await realpath(path);
  return { name, unfinished: `${name}.${process.pid}.part` };
}

function encodeNdjson(findings: readonly Finding[]): string {
  return findings.map((finding) => `${JSON.stringify(finding)}\n`).join('');
}

/**
 * RFC 4180. Several backups are separated by spaces; the rows of a shared key are only counted. A label that a
 * spreadsheet would compute gets an apostrophe before it; keys stay as they are, so that they can be looked up.
 */
function encodeCsv(findings: readonly Finding[]): string {
  return stringify(
    findings.map((finding) =>
      CSV_COLUMNS.map((column) => {
        const value = (finding as Partial<Record<string, unknown>>)[column];
        if (LABELS.has(column) && typeof value === 'string' && FORMULA.test(value)) return `'${value}`;
        return Array.isArray(value) ? value.join(' ') : (value ?? '');
      }),
    ),
  );
}
