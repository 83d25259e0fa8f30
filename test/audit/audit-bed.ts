import type { AuditReport } from '../../src/audit/audit-media.ts';
import type { Finding } from '../../src/audit/finding.ts';
import type { Environment } from '../support/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import type { ProgramResult, RunOptions } from '../support/topobank-backup.ts';

export const DAY = 24 * 3600 * 1000;

/** The document of `audit-orphans --json`. */
export type AuditDocument = AuditReport & { readonly findings: Finding[] };

export interface AuditBed extends TestBed {
  /** Puts an object of these bytes, written so long ago; two days unless it is said. */
  put(key: string, content?: string, ageMs?: number): Promise<void>;
  /** Runs `audit-orphans` with these arguments. */
  audit(args?: readonly string[], env?: Environment, options?: RunOptions): Promise<ProgramResult>;
  /** The document of a run that found out whether rows and objects agree. */
  report(args?: readonly string[], env?: Environment): Promise<AuditDocument>;
}

/**
 * @param sql makes the tables and rows
 * @param options what follows `CREATE DATABASE name`
 */
export async function createAuditBed(postgres: Environment, sql: string, options = ''): Promise<AuditBed> {
  let writtenMs: number | undefined;
  const bed = await createTestBed(postgres, options, () => new Date(writtenMs ?? Date.now()));
  await bed.database.query(sql);
  const audit: AuditBed['audit'] = (args = [], env = {}, options = {}) =>
    bed.run(['audit-orphans', ...args], env, options);
  return {
    ...bed,
    async put(key, content = `contents of ${key}`, ageMs = 2 * DAY) {
      writtenMs = Date.now() - ageMs;
      await bed.store.put(key, Buffer.from(content), {
        ifAbsent: false,
        contentType: 'application/octet-stream',
        signal: new AbortController().signal,
      });
      writtenMs = undefined;
    },
    audit,
    async report(args = [], env = {}) {
      const { status, stdout, stderr } = await audit([...args, '--json'], env);
      if (status !== 0 && status !== 3) throw new Error(`status ${status}: ${stderr}`);
      const document = JSON.parse(stdout) as AuditDocument;
      const { dangling, orphan } = document.totals;
      if (status !== (dangling!.count + (orphan?.count ?? 0) > 0 ? 3 : 0))
        throw new Error(`wrong status ${status}`);
      return document;
    },
  };
}

/** Findings as short lines that are easy to compare: `orphan media/x`, `dangling media/y of files_manifest.file 7`. */
export function brief(findings: readonly Finding[]): string[] {
  return findings.map((finding) => {
    const row = 'table' in finding ? ` of ${finding.table}.${finding.column} ${finding.primaryKey}` : '';
    const rows = finding.kind === 'shared' ? ` by ${finding.rows} rows` : '';
    return `${finding.kind} ${finding.key}${row}${rows}`;
  });
}
