import { type AuditReport, auditMedia } from '../audit/audit-media.ts';
import type { FindingSink } from '../audit/finding.ts';
import { createFindingFile, type FindingFile } from '../audit/finding-file.ts';
import { readOwnReferences } from '../audit/own-references.ts';
import { EXIT } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import { type AuditOutput, jsonOutput, textOutput } from './audit-output.ts';
import { type CommonOptions, type Invocation, openSession, withStore } from './session.ts';

/** The options of `audit-orphans`, as they are given. */
export interface AuditFlags extends CommonOptions {
  readonly ndjson?: string;
  readonly csv?: string;
}

/** `audit-orphans`: whether rows and media objects agree. @returns the exit status */
export async function run(invocation: Invocation): Promise<number> {
  const session = openSession(invocation, ['database', 'store', 'media', 'audit']);
  const { config } = session;
  const flags = invocation.options as AuditFlags;
  const ownSources = await readOwnReferences(config.auditReferences);
  const output = flags.json === true ? jsonOutput(session.write) : textOutput(session.write);
  const report = await withFiles(flags, output, (sink) =>
    withStore(config, (store) =>
      auditMedia(
        {
          ...session,
          store,
          database: openDatabase(config, invocation.env),
          mediaPrefix: config.mediaPrefix,
          otherPrefixes: [config.prefix],
          ownSources,
          graceMs: config.grace,
          readers: config.auditReaders,
        },
        sink,
        invocation.signal,
      ),
    ),
  );
  await output.end(report);
  const { dangling, orphan } = report.totals;
  return (dangling?.count ?? 0) + (orphan?.count ?? 0) > 0 ? EXIT.fault : EXIT.done;
}

/** Writes the findings also into the files that are asked for; they appear when `work` succeeds. */
async function withFiles(
  { ndjson, csv }: AuditFlags,
  output: AuditOutput,
  work: (sink: FindingSink) => Promise<AuditReport>,
): Promise<AuditReport> {
  const files: FindingFile[] = [];
  try {
    if (ndjson !== undefined) files.push(await createFindingFile(ndjson, 'ndjson'));
    if (csv !== undefined) files.push(await createFindingFile(csv, 'csv'));
    const report = await work({
      async write(findings) {
        for (const sink of [output, ...files]) await sink.write(findings);
      },
    });
    for (const file of files) await file.finish();
    return report;
  } finally {
    for (const file of files) await file.discard();
  }
}
