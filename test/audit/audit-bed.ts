import { setTimeout as delay } from 'node:timers/promises';
import type { AuditReport } from '../../src/audit/audit-media.ts';
import type { Finding } from '../../src/audit/finding.ts';
import { openMultipartWriter } from '../../src/s3/multipart-writer.ts';
import type { Environment } from '../support/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import type { ProgramResult, RunOptions } from '../support/topobank-backup.ts';

export const DAY = 24 * 3600 * 1000;

/** The document of `audit-orphans --json`. */
export type AuditDocument = AuditReport & { readonly findings: Finding[] };

export interface AuditBed extends TestBed {
  /**
   * Puts an object of these bytes, written so long ago; two days unless it is said. Where the server's clock cannot be
   * set, it is old enough for a grace of 0 when the program is run next.
   */
  put(key: string, content?: string, ageMs?: number): Promise<void>;
  /** As {@link put}, by a multipart upload, so that the ETag is no MD5 of the bytes. */
  putInParts(key: string, content: string): Promise<void>;
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
  let oldMs = 0;
  const bed = await createTestBed(postgres, options, () => new Date(writtenMs ?? Date.now()));
  await bed.database.query(sql);
  const run: AuditBed['run'] = async (...args) => {
    await delay(Math.max(0, oldMs - Date.now()));
    return bed.run(...args);
  };
  const audit: AuditBed['audit'] = (args = [], env = {}, options = {}) =>
    run(['audit-orphans', ...args], env, options);
  const { signal } = new AbortController();
  const contentType = 'application/octet-stream';
  async function writeAged(key: string, ageMs: number, write: () => Promise<unknown>): Promise<void> {
    writtenMs = Date.now() - ageMs;
    await write();
    writtenMs = undefined;
    if (ageMs === 0) return;
    // Servers tell the time of an object in whole seconds, cut or rounded up.
    const written = (await bed.store.head(key, signal))?.lastModified.getTime() ?? 0;
    oldMs = Math.max(oldMs, written + 1000);
  }
  return {
    ...bed,
    run,
    put: (key, content = `contents of ${key}`, ageMs = 2 * DAY) =>
      writeAged(key, ageMs, () =>
        bed.store.put(key, Buffer.from(content), { ifAbsent: false, contentType, signal }),
      ),
    putInParts: (key, content) =>
      writeAged(key, 2 * DAY, async () => {
        // The writer takes an object that is there for another writer's.
        await bed.store.remove([key], signal);
        const options = { contentType, maxParts: 10, partsInFlight: 1, signal };
        const writer = await openMultipartWriter(bed.store, key, options);
        await writer.write(Buffer.from(content));
        await writer.complete();
      }),
    audit,
    async report(args = [], env = {}) {
      const { status, stdout, stderr } = await audit([...args, '--json'], env);
      if (status !== 0 && status !== 3) throw new Error(`status ${status}: ${stderr}`);
      const document = JSON.parse(stdout) as AuditDocument;
      const { totals, unreadTables = [] } = document;
      const faults = totals.dangling!.count + (totals.orphan?.count ?? 0) + unreadTables.length;
      if (status !== (faults > 0 ? 3 : 0)) throw new Error(`wrong status ${status}`);
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
