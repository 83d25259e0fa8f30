import type { FindingSink } from '../audit/finding.ts';
import { createFindingFile, type FindingFile } from '../audit/finding-file.ts';
import { type AuditOutput, type LabelFindings, type ReportHead, textOutput } from './audit-output.ts';
import { jsonFindings } from './json-findings.ts';

/** The form in which to print an audit's result to stdout, and the files to which its findings are also written. */
export interface OutputFlags {
  readonly json?: true;
  readonly ndjson?: string;
  readonly csv?: string;
}

/** Where an audit writes its findings. */
interface AuditSink extends FindingSink {
  /**
   * Takes the report before anything is done about the findings. People see it at once; with `--json` it is written
   * at the end, by itself if what follows fails.
   *
   * @param label see {@link AuditOutput}
   */
  audited(report: ReportHead, label?: LabelFindings): Promise<void>;
}

interface Output extends AuditSink {
  /** Gives the files their names and writes the report, unless already done. */
  finish(report: ReportHead): Promise<void>;
  /** Finishes a complete audit, and removes the files of an incomplete one. */
  close(): Promise<void>;
}

type State =
  | { readonly kind: 'auditing' }
  | { readonly kind: 'audited'; readonly report: ReportHead }
  | { readonly kind: 'finished' };

/**
 * Writes the findings and the report of `work` to stdout, and the findings to the requested files. These appear if
 * `work` succeeds, or fails only after the audit.
 *
 * @throws ConfigError for a file that cannot be written, or what `work` throws
 */
export async function withOutput<R extends ReportHead>(
  flags: OutputFlags,
  write: (text: string) => Promise<void>,
  work: (sink: AuditSink) => Promise<R>,
): Promise<R> {
  const output = await openOutput(flags, write);
  try {
    const report = await work(output);
    await output.finish(report);
    return report;
  } finally {
    await output.close();
  }
}

async function openOutput(flags: OutputFlags, write: (text: string) => Promise<void>): Promise<Output> {
  const files = await openFiles(flags);
  const stdout: AuditOutput = flags.json === true ? jsonFindings(write) : textOutput(write);
  let state: State = { kind: 'auditing' };

  async function finish(report: ReportHead, label?: LabelFindings): Promise<void> {
    if (state.kind === 'finished') return;
    state = { kind: 'finished' };
    for (const file of files) await file.finish();
    await stdout.end(report, label);
  }

  return {
    async write(findings) {
      for (const each of [stdout, ...files]) await each.write(findings);
    },
    async audited(report, label) {
      state = { kind: 'audited', report };
      // The single JSON document also reports what was done; people are asked about what they have seen.
      if (flags.json !== true) await finish(report, label);
    },
    finish: (report) => finish(report),
    async close() {
      try {
        if (state.kind === 'audited') await finish(state.report);
      } finally {
        await discard(files);
      }
    },
  };
}

async function openFiles({ ndjson, csv }: OutputFlags): Promise<FindingFile[]> {
  const files: FindingFile[] = [];
  try {
    if (ndjson !== undefined) files.push(await createFindingFile(ndjson, 'ndjson'));
    if (csv !== undefined) files.push(await createFindingFile(csv, 'csv'));
    return files;
  } catch (error) {
    await discard(files);
    throw error;
  }
}

async function discard(files: readonly FindingFile[]): Promise<void> {
  for (const file of files) await file.discard();
}
